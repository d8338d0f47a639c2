"""Answers requests to the SCIM endpoint (users/scim/endpoint.py)."""

import json
import time
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpResponse
from scim2_models import (
    InvalidFilterException,
    InvalidValueException,
    NotImplementedException,
    PayloadTooLargeException,
    SCIMException,
    UnauthorizedException,
)
from scim2_server.requests import ScimRequest
from scim2_server.responses import SCIM_MEDIA_TYPE, ScimResponse

from users.database.local_settings import set_local_settings
from users.scim.bulk_run import ProvisioningHandler
from users.scim.payload import normalise_filter, normalise_payload, read_scim_json
from users.scim.read_uses import ReadLimitReached, count_read_accounts
from users.scim.request_events import newest_event_before
from users.scim.request_log import log_scim_request
from users.scim.scope import source_access
from users.scim.service import MAX_BYTES, provisioning_service
from users.scim.storage import ProvisionedStorage
from users.tokens.check import CHALLENGE, TokenHolder, TokenRefused, authenticate_request
from users.tokens.throttle import TokenThrottled, token_rate_headers

ROOT = "/scim/v2"
BODY_METHODS = ("POST", "PUT", "PATCH")
DRY_RUN_HEADER = "Dry-Run"
# In milliseconds: well below deadlock_timeout, after which PostgreSQL might end the other request.
DRY_RUN_LOCK_WAIT = "100"
TOO_NESTED = "The filter is nested too deeply."
NO_ME = "A token is not a user, so there is no /Me."
FLAG_TEXTS = {"": False, "false": False, "true": True}


def serve_provisioning(request: Any, path: str) -> HttpResponse:
    """Answers a request with a token for provisioning. Every answer is JSON of SCIM."""
    try:
        holder = authenticate_request(request)
    except TokenRefused as refused:
        unauthorized = UnauthorizedException(detail=str(refused))
        return error_answer(unauthorized, {"WWW-Authenticate": CHALLENGE})
    except TokenThrottled as throttled:
        too_many = SCIMException(detail=str(throttled))
        too_many.status = 429
        return error_answer(too_many, throttled.headers)
    request.user = holder.viewer
    started = time.monotonic()
    events_after = newest_event_before(request.method, path)
    response = respond(request, path, holder)
    for name, value in token_rate_headers(holder.token).items():
        response[name] = value
    milliseconds = round((time.monotonic() - started) * 1000)
    log_scim_request(
        request,
        path,
        holder.token,
        response,
        milliseconds,
        events_after=events_after,
    )
    return response


def respond(request: Any, path: str, holder: TokenHolder) -> HttpResponse:
    """Returns the response, also to a refused request. The response to a dry run has the Dry-Run
    header.
    """
    try:
        is_dry_run = wants_dry_run(request)
    except SCIMException as error:
        return error_answer(error, {})
    headers = {DRY_RUN_HEADER: "true"} if is_dry_run else {}
    try:
        answer = answer_scim_request(request, path, holder, is_dry_run=is_dry_run)
        count_read_accounts(request, answer)
    except ReadLimitReached as error:
        return error_answer(error, headers | error.headers)
    except SCIMException as error:
        return error_answer(error, headers)
    except RecursionError:
        return error_answer(InvalidFilterException(detail=TOO_NESTED), headers)
    answer.headers.update(headers)
    return http_answer(answer)


def answer_scim_request(
    request: Any, path: str, holder: TokenHolder, *, is_dry_run: bool
) -> ScimResponse:
    """Returns the answer. Raises SCIMException. A dry run is rolled back with its events."""
    source = source_access(holder.token, holder.viewer)
    service = provisioning_service()
    if path.strip("/").lower() == "me":
        raise NotImplementedException(detail=NO_ME)
    handler = ProvisioningHandler(service, ProvisionedStorage(source))
    scim_request = read_scim_request(request, path)
    if not is_dry_run:
        return handler.handle(scim_request)
    with transaction.atomic():
        # A dry run holds the locks of all operations until its end. The request that holds another
        # one may wait for these.
        set_local_settings({"lock_timeout": DRY_RUN_LOCK_WAIT})
        answer = handler.handle(scim_request)
        transaction.set_rollback(True)
    return answer


def read_scim_request(request: Any, path: str) -> ScimRequest:
    """Returns the request as scim2-server reads it, with its JSON checked and normalised."""
    body = b""
    if request.method in BODY_METHODS:
        body = read_body(request)
    if body and has_json(request):
        request.scim_payload = normalise_payload(read_scim_json(body))
        body = json.dumps(request.scim_payload).encode()
    query: dict[str, Any] = request.GET.dict()
    if "filter" in query:
        query["filter"] = normalise_filter(query["filter"])
    return ScimRequest(
        method=request.method,
        base_url=f"{settings.SITE_URL.rstrip('/')}{ROOT}",
        path=f"/{path}",
        query=query,
        headers=dict(request.headers),
        body=body,
    )


def has_json(request: Any) -> bool:
    """Returns whether the body is said to be JSON. The service refuses any other."""
    return not request.content_type or request.content_type.endswith("json")


def read_body(request: Any) -> bytes:
    too_large = PayloadTooLargeException(detail=f"A body can have at most {MAX_BYTES:,} bytes.")
    try:
        body = request.body
    except RequestDataTooBig as error:
        raise too_large from error
    if len(body) > MAX_BYTES:
        raise too_large
    return body


def wants_dry_run(request: Any) -> bool:
    """Returns whether the request only asks what it would do. Raises InvalidValueException."""
    text = request.GET.get("dryRun", request.headers.get(DRY_RUN_HEADER, ""))
    wanted = FLAG_TEXTS.get(text.strip().lower())
    if wanted is None:
        raise InvalidValueException(detail="dryRun must be true or false.")
    return wanted


def error_answer(error: SCIMException, headers: dict[str, str]) -> HttpResponse:
    answer = provisioning_service().error_response(error)
    answer.headers.update(headers)
    return http_answer(answer)


def http_answer(answer: ScimResponse) -> HttpResponse:
    """Returns the answer as Django sends it. Personal data is in no cache."""
    body = b"" if answer.body is None else json.dumps(answer.body).encode()
    response = HttpResponse(body, status=int(answer.status), content_type=SCIM_MEDIA_TYPE)
    for name, value in answer.headers.items():
        response[name] = value
    response["Cache-Control"] = "no-store"
    return response
