"""Requests to the provider, whose answers are limited in size and time and are never redirects."""

import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

from users.oidc.refusals import OidcRefused
from users.outbound.limited_requests import MAX_BODY_BYTES, OPENER

ANSWER_SECONDS = 5


def fetch_json(url: str) -> dict[str, Any]:
    """Returns the JSON object at a URL. Raises OidcRefused."""
    status, body = send_request(Request(url, headers={"Accept": "application/json"}))  # noqa: S310
    if status != 200:
        raise OidcRefused("unreachable", f"status {status}")
    return read_answer_object(body, "metadata")


def send_request(request: Request) -> tuple[int, bytes]:
    """Returns status and body of the answer. Raises OidcRefused without one."""
    request.add_header("User-Agent", "Rollcall")
    try:
        answer = OPENER.open(request, timeout=ANSWER_SECONDS)
    except HTTPError as error:
        answer = error
    except (OSError, HTTPException, ValueError) as error:
        raise OidcRefused("unreachable", type(error).__name__) from error
    try:
        with answer:
            body = answer.read(MAX_BODY_BYTES + 1)
    except (OSError, HTTPException, ValueError) as error:
        raise OidcRefused("unreachable", type(error).__name__) from error
    if len(body) > MAX_BODY_BYTES:
        raise OidcRefused("unreachable", "answer too long")
    return answer.status, body


def read_answer_object(body: bytes, code: str) -> dict[str, Any]:
    """Returns the JSON object of a body. Raises OidcRefused with `code`."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise OidcRefused(code, "no JSON") from error
    if not isinstance(found, dict):
        raise OidcRefused(code, "no JSON object")
    return found
