from django.urls import path
from django.views.generic import RedirectView

from users.health import status_views, views
from users.health.security_text import security_text

urlpatterns = [
    path("healthz", views.live_probe, name="healthz"),
    path("readyz", views.ready_probe, name="readyz"),
    path(".well-known/security.txt", security_text, name="security-text"),
    path("status/", status_views.show_status, name="status"),
    # The page's address in earlier versions.
    path("caching/", RedirectView.as_view(url="/status/", permanent=True)),
]
