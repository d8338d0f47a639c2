"""Stores each SCIM request in the log, after its own transaction."""

import json
import logging
from typing import Any

from django.db import DatabaseError

from users.audit.origin import current_origin
from users.scim.filters import parse_resource_id
from users.scim.models import ERROR_MAX, PATH_MAX, ProvisioningRequest
from users.scim.redaction import redact_address, redact_body, redact_error
from users.tokens.models import ApiToken

log = logging.getLogger(__name__)


def log_request(request: Any, path: str, token: ApiToken, response: Any, milliseconds: int) -> None:
    """Stores what was asked and answered, without values. A request never fails because of it."""
    scope = token.provisioning_scope
    answer = read_json(response.content)
    row = ProvisioningRequest(
        token_id=token.pk,
        source=scope.source if scope else "",
        method=request.method[:10],
        path=redact_address(path, list(request.GET))[:PATH_MAX],
        status=response.status_code,
        milliseconds=milliseconds,
        error=error_text(response, answer),
        account_id=requested_account(path, answer),
        dry_run="Dry-Run" in response.headers,
        body=redact_body(getattr(request, "scim_payload", None)),
        request_id=current_origin.get().request_id[:64],
    )
    try:
        row.save(force_insert=True)
    except DatabaseError:
        log.exception("A SCIM request is not in the log.")


def read_json(content: bytes) -> dict[str, Any]:
    """Returns the object of an answer; {} for any other."""
    try:
        answer = json.loads(content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def error_text(response: Any, answer: dict[str, Any]) -> str:
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
