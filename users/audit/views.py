"""The audit trail."""

from django.http import QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access, masking
from users.audit.actions import ACTION_LABELS
from users.audit.html import render_events
from users.audit.trail import ID_LABELS, BadTrailFilter, TrailFilter
from users.exceptions import BadRequest


@require_safe
def index(request):
    access.require(request.user, "view_audit")
    try:
        trail, errors = TrailFilter.read(request.GET)
    except BadTrailFilter as error:
        raise BadRequest(error.parameter, error.message, back="/audit/") from error
    events, more = trail.events()
    context = {
        "trail": trail,
        "events": render_events(events, masked=masking.hides_personal_data(request.user)),
        "actions": sorted(ACTION_LABELS.items(), key=lambda pair: pair[1]),
        "narrows": bool(trail.action or trail.actor or trail.target),
        "older": trail.url(after=events[-1].pk) if more else "",
        "newest": trail.url(after=0) if trail.after else "",
        "error": bool(errors),
        "fields": id_fields(request.GET, errors),
    }
    status = 422 if errors else 200
    return render(request, "users/audit/index.html", context, status=status)


def id_fields(query: QueryDict, errors: dict[str, str]) -> list[dict[str, object]]:
    """Returns the fields for IDs, with what was typed and what is wrong with it."""
    first = next(iter(errors), "")
    return [
        {
            "name": name,
            "label": label,
            "value": query.get(name, ""),
            "error": errors.get(name, ""),
            "focus": name == first,
        }
        for name, label in ID_LABELS.items()
    ]
