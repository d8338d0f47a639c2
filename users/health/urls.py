from django.urls import path

from users.health import views

urlpatterns = [
    path("healthz", views.live_probe, name="healthz"),
    path("readyz", views.ready_probe, name="readyz"),
]
