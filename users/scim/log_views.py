"""The log of SCIM requests: the list, and the page of one request with its events."""

import json
from collections import defaultdict
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from users import access
from users.audit.html import render_events
from users.audit.labels import action_label
from users.audit.models import AuditEvent
from users.exceptions import BadParameter
from users.scim.models import ProvisioningRequest
from users.scim.request_events import logged_events
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
EVENTS_SIZE = 50
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


@drops_empty_parameters
@require_safe
def show_request(request, pk: int) -> HttpResponse:
    """Shows one request with its audit events, newest first."""
    access.require(request.user, "view_audit")
    path = f"{LOG_PATH}{pk}/"
    with refuse_bad_parameters(back=path):
        check_parameters(request.GET, "after")
        after = parse_id_parameter("after", request.GET.get("after", ""))
    row = get_object_or_404(ProvisioningRequest, pk=pk)
    page = newest_page(logged_events(row), EVENTS_SIZE, after)
    names = token_names([row])
    context = {
        "row": row,
        "token_name": names.get(row.token_id, ""),
        "body": body_text(row),
        "events": render_events(page.rows, viewer=request.user),
    }
    return render(request, "users/scim/request.html", context | page.links(path))


def describe_requests(rows: list[ProvisioningRequest]) -> list[dict[str, Any]]:
    """Returns the rows with the names of their tokens, their events and their bodies as text."""
    names = token_names(rows)
    events = events_by_request(rows)
    single = single_events(rows)
    return [
        {
            "row": row,
            "token_name": names.get(row.token_id, ""),
            "events": events[row.request_id, row.account_id] or single.get(row.pk, []),
            "body": body_text(row),
        }
        for row in rows
    ]


def token_names(rows: list[ProvisioningRequest]) -> dict[int, str]:
    tokens = ApiToken.objects.filter(pk__among={row.token_id for row in rows})
    return dict(tokens.values_list("pk", "name"))


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
        found[event.request_id, event.target_id].append(event_link(event))
    return found


def single_events(rows: list[ProvisioningRequest]) -> dict[int, list[dict[str, Any]]]:
    """Returns the event of each other request that has left one, by the ID of the row. Those with
    several have a page of them.
    """
    by_event = {row.first_event_id: row.pk for row in rows if row.event_count == 1}
    events = AuditEvent.objects.filter(pk__among=set(by_event))
    return {by_event[event.pk]: [event_link(event)] for event in events}


def event_link(event: AuditEvent) -> dict[str, Any]:
    return {"pk": event.pk, "label": action_label(event)}


def body_text(row: ProvisioningRequest) -> str:
    return "" if row.body is None else json.dumps(row.body, indent=2, ensure_ascii=False)
