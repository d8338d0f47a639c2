"""The page that Prometheus reads."""

from django.conf import settings
from django.http import HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from users.metrics.bearer_token import has_token
from users.metrics.exposition import render_metrics
from users.metrics.loopback import is_from_loopback


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
