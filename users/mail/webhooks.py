"""POST /mail/events/<provider>/: what a provider reports about emails, stored as rows.

A worker applies them (users/mail/fates.py), so that a request takes one statement.
"""

import logging
import time
from base64 import b64decode
from binascii import Error as Base64Error

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from users.jobs.queue import task_queue
from users.mail.models import DeliveryEvent
from users.web.form_size import OWN_LIMIT, limit_form

logger = logging.getLogger(__name__)
# Bytes of a request. Mandrill sends up to a thousand events in one.
BODY_MAX = 5 * 1024 * 1024
# Seconds between two wake-ups of the worker by one process.
WAKE_SECONDS = 5.0
CHALLENGE = {"WWW-Authenticate": 'Basic realm="Rollcall"'}


# Some providers try the URL with HEAD or GET when it is entered.
@csrf_exempt
@limit_form(OWN_LIMIT)
@require_http_methods(["GET", "HEAD", "POST"])
def receive_events(request: HttpRequest, provider: str) -> HttpResponse:
    """Stores the events in one statement. Repeated ones are ignored; an error of the database is a
    503, so that the provider repeats the request.
    """
    if provider not in settings.EMAIL_EVENTS:
        raise Http404
    refusal = secret_refusal(request) or load_body(request)
    if refusal or request.method != "POST":
        return refusal or plain_answer(200)
    # Imported late: Anymail loads the package requests.
    from users.mail.provider_events import UnreadableEvents, WrongSignature, read_report

    try:
        rows = read_report(request, provider)
    except WrongSignature:
        return plain_answer(403, "The signature is wrong.")
    except UnreadableEvents as error:
        label = settings.EMAIL_PROVIDERS[provider].label
        logger.warning("A request of %s can’t be read: %s", label, error)
        return plain_answer(400, f"This is not a request with events of {label}.")
    store_delivery_rows(rows)
    return plain_answer(200)


def store_delivery_rows(rows: list[DeliveryEvent]) -> None:
    if not rows:
        return
    DeliveryEvent.objects.bulk_create(rows, ignore_conflicts=True)
    if wake_ups.is_due():
        task_queue.enqueue_task("users.mail.tasks.apply_delivery_events")


def secret_refusal(request: HttpRequest) -> HttpResponse | None:
    """Returns the answer to a request without one of EMAIL_WEBHOOK_SECRETS; None for a good one."""
    secrets = settings.EMAIL_WEBHOOK_SECRETS
    if not secrets:
        return None  # its signature is checked
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return plain_answer(401, "Put the name and the password into the URL.", CHALLENGE)
    try:
        given = b64decode(encoded.strip()).decode()
    except (Base64Error, ValueError):
        given = ""
    fits = [constant_time_compare(given, secret) for secret in secrets]
    return None if any(fits) else plain_answer(403, "The name or the password is wrong.")


def load_body(request: HttpRequest) -> HttpResponse | None:
    """Reads the body, which may be larger than that of a form. Returns the answer to one that is
    too large.
    """
    try:
        size = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        size = 0
    if size > BODY_MAX:
        return plain_answer(413, f"A request may have {BODY_MAX:,} bytes. Send fewer events.")
    if size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        request._body = request.read(BODY_MAX)  # type: ignore[attr-defined]
    return None


def plain_answer(
    status: int, text: str = "", headers: dict[str, str] | None = None
) -> HttpResponse:
    """Returns a response as plain text, for which no cookie is set."""
    content = f"{text}\n" if text else ""
    return HttpResponse(
        content,
        status=status,
        headers=headers,
        content_type="text/plain",
    )


class WakeUps:
    """Limits the wake-ups of the worker by this process to one in WAKE_SECONDS. Events that come in
    between are applied by the next one, or by the schedule.
    """

    def __init__(self) -> None:
        self.next = 0.0

    def is_due(self) -> bool:
        now = time.monotonic()
        if now < self.next:
            return False
        self.next = now + WAKE_SECONDS
        return True


wake_ups = WakeUps()
