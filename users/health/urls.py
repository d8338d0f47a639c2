from django.urls import path

from users.health import views

urlpatterns = [
    path("healthz", views.live, name="healthz"),
    path("readyz", views.ready, name="readyz"),
]
