"""Liveness and readiness probes."""

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from users.health import checks


@require_safe
def live_probe(request) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def ready_probe(request) -> JsonResponse:
    """Returns 503 only if the database is unavailable.

    Rollcall works without cache and workers, so their problems are only reported.
    """
    results = {
        "database": checks.check_database(),
        "cache": checks.check_cache(),
    }
    # A database that hangs is waited for once.
    ready = results["database"] == checks.OK
    results["workers"] = checks.check_workers() if ready else "unknown"
    return JsonResponse({"ready": ready} | results, status=200 if ready else 503)
