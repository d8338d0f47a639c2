"""Answers receivers of security signals: the configuration of the transmitter and of their stream,
the public keys, a verification, and the tokens of a stream that they poll.
"""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from users.jobs.queue import task_queue
from users.webhooks.delivery import DELIVERY_TASK
from users.webhooks.models import WebhookSubscription
from users.webhooks.polling import (
    BadPollError,
    answer_poll,
    read_poll_request,
    request_verification,
)
from users.webhooks.secrets import find_stream
from users.webhooks.signal_tokens import SIGNAL_TYPES, public_keys, stream_url

PUSH = "urn:ietf:rfc:8935"
POLL = "urn:ietf:rfc:8936"
BEARER = "urn:ietf:rfc:6750"
MAX_BODY_BYTES = 100_000
VERIFICATION_SECONDS = 60
STATE_MAX = 200
Method = WebhookSubscription.Method
StreamView = Callable[..., HttpResponse]


@require_safe
def transmitter_configuration(request) -> HttpResponse:
    """Returns the metadata of the transmitter (Shared Signals Framework 1.0, 7.1)."""
    require_signing_key()
    site = settings.SITE_URL
    return JsonResponse(
        {
            "spec_version": "1_0",
            "issuer": site,
            "jwks_uri": f"{site}/ssf/jwks.json",
            "delivery_methods_supported": [PUSH, POLL],
            "configuration_endpoint": f"{site}/ssf/streams/",
            "verification_endpoint": f"{site}/ssf/verification/",
            "authorization_schemes": [{"spec_urn": BEARER}],
            "default_subjects": "ALL",
        }
    )


@require_safe
def show_public_keys(request) -> HttpResponse:
    require_signing_key()
    return JsonResponse({"keys": public_keys()}, content_type="application/jwk-set+json")


def require_signing_key() -> None:
    if not settings.WEBHOOKS.keys:
        raise Http404


def stream_required(view: StreamView) -> StreamView:
    """Decorates a view that gets the stream of the request's bearer token. A path with the ID of
    another stream does not exist for its receiver.
    """

    @csrf_exempt
    @wraps(view)
    def wrapper(request: Any, pk: int = 0) -> HttpResponse:
        require_signing_key()
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        row = find_stream(token.strip()) if scheme.lower() == "bearer" else None
        if row is None:
            response = refusal("authentication_failed", "Send the token of the stream.", 401)
            response["WWW-Authenticate"] = "Bearer"
            return response
        if pk and pk != row.pk:
            return refusal("not_found", "This is not the stream of your token.", 404)
        return view(request, row)

    return wrapper


@stream_required
@require_safe
def show_stream(request, row: WebhookSubscription) -> HttpResponse:
    """Returns the configuration of the stream, or a list with it if no stream is named."""
    found = stream_configuration(row)
    asked = request.GET.get("stream_id", "")
    if asked and asked != str(row.pk):
        return refusal("not_found", "This is not the stream of your token.", 404)
    is_listed = request.path_info == "/ssf/streams/" and not asked
    return JsonResponse([found] if is_listed else found, safe=False)


def stream_configuration(row: WebhookSubscription) -> dict[str, Any]:
    types = sorted({SIGNAL_TYPES[kind] for kind in row.kinds if kind in SIGNAL_TYPES})
    method, url = PUSH, row.url
    if row.method == Method.POLL:
        method, url = POLL, f"{stream_url(row.pk)}poll/"
    return {
        "stream_id": str(row.pk),
        "iss": settings.SITE_URL,
        "aud": row.audience or stream_url(row.pk),
        "delivery": {"method": method, "endpoint_url": url},
        "events_supported": sorted(set(SIGNAL_TYPES.values())),
        "events_requested": types,
        "events_delivered": types,
        "min_verification_interval": VERIFICATION_SECONDS,
    }


@stream_required
@require_POST
def verify_stream(request, row: WebhookSubscription) -> HttpResponse:
    """Queues a verification event with the state of the request."""
    content = read_request_json(request)
    if not isinstance(content, dict) or str(content.get("stream_id", "")) != str(row.pk):
        return refusal("invalid_request", "stream_id must be that of your token.", 400)
    state = content.get("state", "")
    if not isinstance(state, str) or len(state) > STATE_MAX or not state.isprintable():
        text = f"state must be at most {STATE_MAX} visible characters."
        return refusal("invalid_request", text, 400)
    if row.pause or not request_verification(row, state):
        return refusal("rate_limited", "A verification is already waiting.", 429)
    # A receiver that has failed gets it after its pause, which it can't shorten by asking.
    if row.sends:
        task_queue.enqueue_task(DELIVERY_TASK)
    return HttpResponse(status=204)


@stream_required
@require_POST
def poll_stream(request, row: WebhookSubscription) -> HttpResponse:
    """Returns tokens, and takes acknowledgements (RFC 8936)."""
    if row.method != Method.POLL:
        return refusal("not_found", "This stream is pushed, not polled.", 404)
    try:
        poll = read_poll_request(read_request_json(request))
    except BadPollError as error:
        return refusal("invalid_request", str(error), 400)
    return JsonResponse(answer_poll(row, poll))


def read_request_json(request) -> Any:
    """Returns the JSON of a body; None for anything else."""
    try:
        length = int(request.headers.get("Content-Length") or 0)
        return json.loads(request.body) if length <= MAX_BODY_BYTES else None
    except (ValueError, RecursionError):
        return None


def refusal(code: str, description: str, status: int) -> JsonResponse:
    return JsonResponse({"err": code, "description": description}, status=status)
