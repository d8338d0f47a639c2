"""The page of the log of SCIM requests."""

import json
from collections import defaultdict
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access
from users.audit.labels import action_label
from users.audit.models import AuditEvent
from users.exceptions import BadParameter
from users.scim.models import ProvisioningRequest
from users.staff.staff_tabs import staff_tabs
from users.tokens.models import ApiToken
from users.web.paging import newest_page
from users.web.query_string import (
    check_parameters,
    drops_empty_parameters,
    parse_id_parameter,
    refuse_bad_parameters,
)

LOG_PATH = "/staff/provisioning/"
LOG_SIZE = 50
FAILED = "failed"


@drops_empty_parameters
@require_safe
def request_list(request) -> HttpResponse:
    """Lists the requests, newest first; with `status=failed` only those that were refused."""
    access.require(request.user, "view_audit")
    with refuse_bad_parameters(back=LOG_PATH):
        check_parameters(request.GET, "status", "after")
        after = parse_id_parameter("after", request.GET.get("after", ""))
        status = request.GET.get("status", "")
        if status not in ("", FAILED):
            raise BadParameter("status", f"status can only be “{FAILED}”.")
    found = ProvisioningRequest.objects.all()
    if status == FAILED:
        found = found.filter(status__gte=400)
    page = newest_page(found, LOG_SIZE, after)
    context = {
        "requests": describe_requests(page.rows),
        "only_failed": status == FAILED,
        "tabs": staff_tabs(request.user),
    }
    links = page.links(LOG_PATH, status=FAILED if status == FAILED else "")
    return render(request, "users/scim/requests.html", context | links)


def describe_requests(rows: list[ProvisioningRequest]) -> list[dict[str, Any]]:
    """Returns the rows with the names of their tokens, their events and their bodies as text."""
    names = dict(
        ApiToken.objects.filter(pk__among={row.token_id for row in rows}).values_list("pk", "name")
    )
    events = events_by_request(rows)
    return [
        {
            "row": row,
            "token_name": names.get(row.token_id, ""),
            "events": events[row.request_id, row.account_id],
            "body": body_text(row),
        }
        for row in rows
    ]


def events_by_request(
    rows: list[ProvisioningRequest],
) -> dict[tuple[str, int | None], list[dict[str, Any]]]:
    """Returns ID and label of the events that requests have left about their accounts, by the ID
    of the request and the account.
    """
    accounts = {row.account_id for row in rows if row.account_id is not None}
    requests = {row.request_id for row in rows if row.request_id and not row.dry_run}
    found: dict[tuple[str, int | None], list[dict[str, Any]]] = defaultdict(list)
    # The accounts are those of an index.
    events = AuditEvent.objects.filter(target_id__among=accounts, request_id__in=requests)
    for event in events.order_by("pk"):
        key = (event.request_id, event.target_id)
        found[key].append({"pk": event.pk, "label": action_label(event)})
    return found


def body_text(row: ProvisioningRequest) -> str:
    return "" if row.body is None else json.dumps(row.body, indent=2, ensure_ascii=False)
