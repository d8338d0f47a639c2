"""The page of the audit trail."""

from operator import itemgetter

from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access, masking
from users.audit.actions import ACTION_LABELS
from users.audit.html import render_events
from users.audit.trail import TrailFilter
from users.web.query_string import refuse_bad_parameters


@require_safe
def index(request):
    access.require(request.user, "view_audit")
    with refuse_bad_parameters(back="/audit/"):
        trail = TrailFilter.parse(request.GET)
    page = trail.page()
    masked = masking.hides_personal_data(request.user)
    older = trail.url(after=page.rows[-1].pk) if page.has_next else ""
    newest = trail.url(after=0) if trail.after else ""
    context = {
        "trail": trail,
        "events": render_events(page.rows, masked=masked),
        "actions": sorted(ACTION_LABELS.items(), key=itemgetter(1)),
        "has_criteria": trail.has_criteria,
        "older": older,
        "newest": newest,
    }
    return render(request, "users/audit/index.html", context)
