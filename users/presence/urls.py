from django.urls import path

from users.presence import views

urlpatterns = [
    path("<int:pk>/presence/", views.presence_strip, name="presence"),
    path("<int:pk>/presence/end/", views.presence_end, name="presence-end"),
]
