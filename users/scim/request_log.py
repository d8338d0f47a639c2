"""Stores each SCIM request in the log, after its own transaction."""

# ruff: noqa: S608  the statement contains only names of columns

import json
import logging
from functools import cache
from typing import Any

from django.db import DatabaseError, connection

from users.audit.origin import current_origin
from users.database.prepared_statements import prepared_cursor
from users.scim.filters import parse_resource_id
from users.scim.models import ERROR_MAX, PATH_MAX, ProvisioningRequest
from users.scim.redaction import redact_address, redact_body, redact_error
from users.scim.request_events import EventRange, find_event_range
from users.tokens.models import ApiToken

FIELDS: list[Any] = [
    field for field in ProvisioningRequest._meta.concrete_fields if not field.primary_key
]
log = logging.getLogger(__name__)


def log_scim_request(
    request: Any,
    path: str,
    token: ApiToken,
    response: Any,
    milliseconds: int,
    *,
    events_after: int | None = None,
) -> None:
    """Stores what was asked and answered, without values. A request never fails because of it.
    `events_after`: its events have higher IDs; None for a request about one account at most.
    """
    scope = token.provisioning_scope
    answer = read_json(response.content)
    is_dry_run = "Dry-Run" in response.headers
    # A dry run may answer with an account that does not exist, and a later one may get its ID.
    answered = {} if is_dry_run else answer
    row = ProvisioningRequest(
        token_id=token.pk,
        source=scope.source if scope else "",
        method=request.method[:10],
        path=redact_address(path, list(request.GET))[:PATH_MAX],
        status=response.status_code,
        milliseconds=milliseconds,
        error=answer_error(response, answer),
        account_id=requested_account(path, answered),
        dry_run=is_dry_run,
        body=redact_body(getattr(request, "scim_payload", None)),
        request_id=current_origin.get().request_id[:64],
    )
    try:
        if events_after is not None and not is_dry_run:
            set_events(row, find_event_range(row.request_id, events_after))
        insert_row(row)
    except DatabaseError:
        log.exception("A SCIM request is not in the log.")


def set_events(row: ProvisioningRequest, events: EventRange) -> None:
    row.event_count = events.number
    row.first_event_id = events.first
    row.last_event_id = events.last


def insert_row(row: ProvisioningRequest) -> None:
    """Stores a row without waiting for the disk: a crash may lose rows of the last second."""
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in FIELDS]
    with prepared_cursor(connection) as cursor:
        cursor.execute(insert_sql(connection.vendor), values)


@cache
def insert_sql(vendor: str) -> str:
    columns = ", ".join(field.column for field in FIELDS)
    insertion = f"INSERT INTO {ProvisioningRequest._meta.db_table} ({columns})"
    if vendor != "postgresql":
        marks = ", ".join(["%s"] * len(FIELDS))
        return f"{insertion} VALUES ({marks})"
    marks = ", ".join(f"CAST(%s AS {field.db_type(connection)})" for field in FIELDS)
    setting = "SELECT set_config('synchronous_commit', 'off', true)"
    return f"WITH setting AS MATERIALIZED ({setting}) {insertion} SELECT {marks} FROM setting"


def read_json(content: bytes) -> dict[str, Any]:
    """Returns the object of an answer; {} for any other."""
    try:
        answer = json.loads(content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def answer_error(response: Any, answer: dict[str, Any]) -> str:
    if response.status_code < 400:
        return ""
    parts = (answer.get("scimType"), answer.get("detail"))
    text = ": ".join(filter(None, parts))
    return redact_error(text)[:ERROR_MAX]


def requested_account(path: str, answer: dict[str, Any]) -> int | None:
    """Returns the ID of the account that the request was about."""
    endpoint, _, resource_id = path.strip("/").partition("/")
    if endpoint.lower() != "users":
        return None
    return parse_resource_id(resource_id or str(answer.get("id", ""))) or None
