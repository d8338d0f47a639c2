"""The page Status, for staff who operate the servers."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access
from users.audit.tree.log_state import log_state
from users.caching import generation, statistics
from users.database.replica import has_replica
from users.health.figures import figure_histories, queue_waits
from users.health.probes import Probe
from users.health.readiness import Readiness, check_readiness
from users.health.top_statements import top_statements
from users.jobs.scheduled_runs import schedule_states


@require_safe
def show_status(request) -> HttpResponse:
    access.require(request.user, "view_status")
    context = readiness_context(check_readiness()) | {
        "figures": figure_histories(),
        "waits": queue_waits(),
        "schedules": schedule_states(),
        "audit_log": log_state(),
        "statements": top_statements(),
        "cache": statistics.cache_status(),
        "generations": statistics.last_changes(generation.current_generations()),
        "processes": statistics.live_processes(),
        "views": statistics.view_statistics(),
    }
    return render(request, "users/health/status.html", context)


def readiness_context(readiness: Readiness) -> dict[str, Any]:
    """Returns the checks with their states, and the alarms and warnings in words."""
    alarms = readiness.alarms
    # The page has a longer note about the cache.
    shown = {"cache", *(alarm.name for alarm in alarms)}
    warnings = [
        (probe, problem)
        for probe, problem in readiness.problems.items()
        if problem and probe.name not in shown
    ]
    return {
        "is_well": readiness.status == "ok",
        "alarms": alarms,
        "warnings": warnings,
        "checks": check_states(readiness),
    }


def check_states(readiness: Readiness) -> list[tuple[Probe, str, bool]]:
    """Returns each check with its problem and whether it raises an alarm; no check of a replica
    that there isn't.
    """
    raised = {alarm.name for alarm in readiness.alarms}
    states = []
    for probe, problem in readiness.problems.items():
        if probe.name != "replica" or has_replica():
            states.append((probe, problem, probe.name in raised))
    return states
