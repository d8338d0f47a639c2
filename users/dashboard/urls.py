from django.urls import path

from users.dashboard import views

urlpatterns = [
    path("", views.index, name="home"),
    path("waiting/suspensions/", views.suspension_list, name="waiting-suspensions"),
]
