"""The page that Prometheus reads."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from users.metrics.bearer_token import has_token
from users.metrics.exposition import render_metrics

# A request with one of these came through a proxy, whoever sent it.
FORWARDING_HEADERS = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
)


@require_safe
def metrics_page(request) -> HttpResponse:
    if settings.METRICS_TOKEN and not has_token(request, settings.METRICS_TOKEN):
        challenge = {"WWW-Authenticate": "Bearer"}
        text = "Send METRICS_TOKEN as “Authorization: Bearer …”.\n"
        return HttpResponse(
            text,
            status=401,
            headers=challenge,
            content_type="text/plain",
        )
    if not settings.METRICS_TOKEN and not is_from_loopback(request):
        text = "Metrics are available only from localhost unless METRICS_TOKEN is set.\n"
        return HttpResponse(text, status=403, content_type="text/plain")
    return HttpResponse(render_metrics(), content_type=CONTENT_TYPE_LATEST)


def is_from_loopback(request) -> bool:
    """Returns whether a process of this machine sent the request, and not a proxy for someone."""
    if any(name in request.headers for name in FORWARDING_HEADERS):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
