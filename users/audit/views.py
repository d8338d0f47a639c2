"""The page of the audit trail."""

from operator import itemgetter
from typing import Any

from django.http import QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access
from users.audit.actions import ACTION_LABELS
from users.audit.html import render_events
from users.audit.trail import ID_FIELDS, TrailFilter
from users.caching import pages
from users.caching.replica import reads_replica
from users.web.query_string import drops_empty_parameters, refuse_bad_parameters


@require_safe
@drops_empty_parameters
@reads_replica
def index(request):
    access.require(request.user, "view_audit")
    with refuse_bad_parameters(back="/audit/"):
        trail, errors = TrailFilter.read(request.GET)
    page = trail.page()
    older = trail.url(after=page.rows[-1].pk) if page.has_next else ""
    newest = trail.url(after=0) if trail.after else ""
    context = {
        "trail": trail,
        "events": render_events(page.rows, viewer=request.user),
        "actions": sorted(ACTION_LABELS.items(), key=itemgetter(1)),
        "has_criteria": trail.has_criteria,
        "older": older,
        "newest": newest,
        "error": bool(errors),
        "fields": id_fields(request.GET, errors),
        "export_url": export_url(trail, request.user),
    }
    status = 422 if errors else 200
    response = render(request, "users/audit/index.html", context, status=status)
    return pages.compress_for_viewer(request, response)


def export_url(trail: TrailFilter, viewer: Any) -> str:
    """Returns the page that exports the events of the filter; "" if the viewer may not export."""
    if not access.may(viewer, "export"):
        return ""
    return trail.url(after=0).replace("/audit/", "/audit/export/", 1)


def id_fields(query: QueryDict, errors: dict[str, str]) -> list[dict[str, object]]:
    """Returns the fields for IDs, with what was typed and what is wrong with it."""
    first = next(iter(errors), "")
    return [
        {
            "name": name,
            "label": field.placeholder,
            "size": field.size,
            "value": query.get(name, ""),
            "error": errors.get(name, ""),
            "focus": name == first,
        }
        for name, field in ID_FIELDS.items()
    ]
