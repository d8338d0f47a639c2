from django.urls import path

from users.sudo import views

urlpatterns = [
    path("", views.sudo_page, name="sudo"),
    path("end/", views.sudo_end, name="sudo-end"),
]
