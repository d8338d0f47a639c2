"""The audit trail."""

from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access, masking
from users.audit.actions import ACTIONS
from users.audit.html import lines
from users.audit.trail import BadTrail, Trail
from users.exceptions import BadRequest


@require_safe
def index(request):
    access.require(request.user, "view_audit")
    try:
        trail = Trail.parse(request.GET)
    except BadTrail as error:
        raise BadRequest(error.parameter, error.message, back="/audit/") from error
    events, more = trail.events()
    context = {
        "trail": trail,
        "events": lines(events, masked=masking.hides(request.user)),
        "actions": sorted(ACTIONS.items(), key=lambda pair: pair[1]),
        "narrows": bool(trail.action or trail.actor or trail.target),
        "older": trail.url(after=events[-1].pk) if more else "",
        "newest": trail.url(after=0) if trail.after else "",
    }
    return render(request, "users/audit/index.html", context)
