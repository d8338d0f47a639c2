"""Liveness and readiness probes."""

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from users.health.readiness import Readiness, check_readiness

TEXT = "text/plain"
HEADINGS = {
    "ok": "All well.",
    "degraded": "Ready, with warnings.",
    "unavailable": "Not ready.",
}


@require_safe
def live_probe(request) -> HttpResponse:
    return HttpResponse("ok\n", content_type=TEXT)


@require_safe
def ready_probe(request) -> HttpResponse:
    """Returns 503 only if nothing can be served, which means without the database.

    The other problems are reported: a load balancer must not take the site down for them. The
    answer is JSON, or text if the client prefers it.
    """
    found = check_readiness()
    status = 200 if found.is_ready else 503
    if request.get_preferred_type(["application/json", TEXT]) == TEXT:
        return HttpResponse(readiness_text(found), content_type=TEXT, status=status)
    summary = {"ready": found.is_ready, "status": found.status}
    return JsonResponse(summary | found.results(), status=status)


def readiness_text(found: Readiness) -> str:
    """Returns a heading, and a line for each problem."""
    lines = [HEADINGS[found.status]]
    for name, result in found.results().items():
        if result != "ok":
            lines.append(f"{name}: {result}")
    return "\n".join(lines) + "\n"
