"""The page of retention: when which values of old events were removed, and which whole events."""

from django.conf import settings
from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access
from users.audit.models import AuditEvent
from users.audit.pruning import PRUNED_ACTION, parse_prunings
from users.audit.retention import REMOVED_ACTION, parse_removals
from users.caching.replica import reads_replica
from users.web.paging import IdPage
from users.web.query_string import check_parameters, parse_id_parameter, refuse_bad_parameters

PATH = "/audit/retention/"
SIZE = 50


@require_safe
@reads_replica
def removed_values(request):
    access.require(request.user, "view_audit")
    with refuse_bad_parameters(back=PATH):
        check_parameters(request.GET, "after")
        after = parse_id_parameter("after", request.GET.get("after", ""))
    events = AuditEvent.objects.newest_of("action", REMOVED_ACTION)
    if after:
        events = events.filter(id__lt=after)
    page = IdPage.cut(list(events[: SIZE + 1]), SIZE, after)
    prunings = AuditEvent.objects.newest_of("action", PRUNED_ACTION)[:SIZE]
    context = {
        "removals": list(parse_removals(page.rows)),
        "prunings": list(parse_prunings(prunings)),
        "years": settings.AUDIT_VALUE_YEARS,
    }
    return render(request, "users/audit/retention.html", context | page.links(PATH))
