from django.urls import path

from users.caching import views

urlpatterns = [
    path("", views.index, name="caching"),
]
