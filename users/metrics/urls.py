from django.urls import path

from users.metrics import views

urlpatterns = [
    path("metrics", views.metrics_page, name="metrics"),
]
