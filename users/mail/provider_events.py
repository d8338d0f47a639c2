"""Reads what providers report: each event of a webhook becomes a row, or is left out.

Opens and clicks are never recorded.
"""

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason, tracking
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string

from users.database.clock import current_time
from users.mail.models import DeliveryEvent
from users.mail.providers import header_message_id, metadata_message_id

Kind = DeliveryEvent.Kind
KINDS = {
    EventType.DEFERRED: Kind.DEFERRED,
    EventType.DELIVERED: Kind.DELIVERED,
    EventType.BOUNCED: Kind.BOUNCED,
    # The provider has not sent it.
    EventType.REJECTED: Kind.BOUNCED,
    EventType.FAILED: Kind.BOUNCED,
    EventType.COMPLAINED: Kind.COMPLAINED,
    EventType.UNSUBSCRIBED: Kind.UNSUBSCRIBED,
}
# A provider's clock may be fast, and a time may be missing or wrong: others count as now.
OLDEST_REPORT = timedelta(days=30)
# What reading contents that Anymail does not expect raises.
READ_ERRORS = (
    AnymailError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImproperlyConfigured,
    LookupError,
    RecursionError,
    SuspiciousOperation,
    TypeError,
    ValueError,
)
# The events of the request that is being read.
collected_events: ContextVar[list[AnymailTrackingEvent] | None] = ContextVar(
    "collected_events", default=None
)


class WrongSignature(Exception):
    """A request that is not signed with a key of the provider."""


class UnreadableEvents(Exception):
    """A request whose contents are not events of the provider."""


def read_report(request: HttpRequest, provider: str) -> list[DeliveryEvent]:
    """Returns the rows of the events in a request. Raises WrongSignature or UnreadableEvents."""
    try:
        return report_rows(provider, read_events(request, provider))
    except AnymailWebhookValidationFailure as error:
        raise WrongSignature from error
    except READ_ERRORS as error:
        raise UnreadableEvents(type(error).__name__) from error


def read_events(request: HttpRequest, provider: str) -> list[AnymailTrackingEvent]:
    """Returns the events that Anymail's view finds in a request."""
    events: list[AnymailTrackingEvent] = []
    token = collected_events.set(events)
    try:
        call_view(request, provider)
    finally:
        collected_events.reset(token)
    return events


def collect_event(event: AnymailTrackingEvent, **_: Any) -> None:
    """Adds an event to those of the request. Receiver of Anymail's signal tracking."""
    events = collected_events.get()
    if events is not None:
        events.append(event)


tracking.connect(collect_event, dispatch_uid="users.mail.provider_events")


def call_view(request: HttpRequest, provider: str) -> None:
    """Calls Anymail's view, with each of the keys until one fits the signature."""
    keys = settings.EMAIL_WEBHOOK_KEYS.get(provider) or [""]
    for number, key in enumerate(keys, start=1):
        try:
            event_view(provider, key)(request)
            return
        except AnymailWebhookValidationFailure:
            if number == len(keys):
                raise


@lru_cache(maxsize=32)
def event_view(provider: str, key: str) -> Callable[[HttpRequest], Any]:
    """Returns Anymail's view of a provider. `key`: of its signatures; "" for none."""
    declared = settings.EMAIL_PROVIDERS[provider]
    arguments = {declared.signing_key: key} if key else {}
    return import_string(declared.view).as_view(**arguments)


# --- rows -----------------------------------------------------------------------------------------


def report_rows(provider: str, events: Iterable[AnymailTrackingEvent]) -> list[DeliveryEvent]:
    """Returns the rows of events, each once."""
    now = current_time()
    rows = [event_row(provider, event, now) for event in events if event.event_type in KINDS]
    return list({row.key: row for row in rows}.values())


def event_row(provider: str, event: AnymailTrackingEvent, now: datetime) -> DeliveryEvent:
    kind = KINDS[event.event_type]
    provider_id = event.message_id or ""
    message_id = metadata_message_id(event.metadata) or header_message_id(str(provider_id))
    at = event_time(event)
    row = DeliveryEvent(
        provider=provider,
        kind=kind,
        is_permanent=kind == Kind.BOUNCED and is_permanent_bounce(provider, event),
        message_id=message_id,
        provider_id=stored_text(provider_id, 200),
        recipient=stored_text(event.recipient, 254),
        detail=stored_text(event.mta_response or event.description, 500),
        at=at if at and now - OLDEST_REPORT <= at <= now else now,
        received_at=now,
    )
    row.key = event_key(row, event.event_id, at)
    return row


def event_time(event: AnymailTrackingEvent) -> datetime | None:
    at = event.timestamp
    if at is None:
        return None
    return at if timezone.is_aware(at) else at.replace(tzinfo=UTC)


def event_key(row: DeliveryEvent, event_id: object, at: datetime | None) -> str:
    """Returns the key by which a repeated event is known: its id if the provider gives one, or else
    the message and the time. One notification of Amazon SES may be about several recipients.
    """
    if event_id in (None, "", "0"):
        parts = [row.message_id, row.provider_id, at.isoformat() if at else ""]
    else:
        parts = ["id", str(event_id)]
    what = f"{row.kind} {row.is_permanent}"
    whole = "\n".join([row.provider, what, row.recipient, *parts])
    return sha256(whole.encode(errors="replace")).hexdigest()


def stored_text(value: object, longest: int) -> str:
    """Returns text that both databases can store: without NUL and half surrogates."""
    text = str(value or "").replace("\x00", "")
    return text.encode(errors="replace").decode()[:longest]


# --- bounces --------------------------------------------------------------------------------------


def is_permanent_bounce(provider: str, event: AnymailTrackingEvent) -> bool:
    """Returns whether nothing will ever reach the address. Anymail does not tell full mailboxes and
    blocked senders from mailboxes that do not exist, so the provider's own fields are read.
    """
    raw = event.esp_event
    if not isinstance(raw, Mapping):
        return False
    if rule := PERMANENCE_RULES.get(provider):
        return rule(raw, event)
    value = inner(raw, *PERMANENCE_FIELDS[provider])
    return value in PERMANENT_VALUES[provider]


def inner(raw: Mapping, *names: str) -> Any:
    """Returns a value inside of nested objects; None where one is missing."""
    value: Any = raw
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def ses_permanence(raw: Mapping, event: AnymailTrackingEvent) -> bool:
    on_own_list = inner(raw, "bounce", "bounceSubType") == "OnAccountSuppressionList"
    return inner(raw, "bounce", "bounceType") == "Permanent" and not on_own_list


def sendgrid_permanence(raw: Mapping, event: AnymailTrackingEvent) -> bool:
    if event.event_type == EventType.REJECTED:
        return event.reject_reason in (RejectReason.BOUNCED, RejectReason.INVALID)
    return raw.get("type") != "blocked"


def mailgun_permanence(raw: Mapping, event: AnymailTrackingEvent) -> bool:
    severity = inner(raw, "event-data", "severity")
    return severity == "permanent" and event.reject_reason == RejectReason.BOUNCED


def postmark_permanence(raw: Mapping, event: AnymailTrackingEvent) -> bool:
    reason = raw.get("Type") or raw.get("SuppressionReason")
    return reason in ("HardBounce", "BadEmailAddress")


def sparkpost_permanence(raw: Mapping, event: AnymailTrackingEvent) -> bool:
    found = [each for each in inner(raw, "msys").values() if isinstance(each, Mapping)]
    # Invalid recipient; no such recipient.
    return any(str(each.get("bounce_class")) in ("10", "30") for each in found)


def postal_permanence(raw: Mapping, event: AnymailTrackingEvent) -> bool:
    return " 5.1." in f" {event.mta_response or ''}"


# The rules of providers that need more than a field.
PERMANENCE_RULES: dict[str, Callable[[Mapping, AnymailTrackingEvent], bool]] = {
    "amazon-ses": ses_permanence,
    "mailgun": mailgun_permanence,
    "postal": postal_permanence,
    "postmark": postmark_permanence,
    "sendgrid": sendgrid_permanence,
    "sparkpost": sparkpost_permanence,
}
# The field of the others, and its values that mean a permanent bounce.
PERMANENCE_FIELDS: dict[str, tuple[str, ...]] = {
    "brevo": ("event",),
    "mailersend": ("data", "type"),
    "mailjet": ("hard_bounce",),
    "mailtrap": ("event",),
    "mandrill": ("event",),
    "resend": ("data", "bounce", "type"),
    "unisender-go": ("delivery_info", "delivery_status"),
}
PERMANENT_VALUES: dict[str, tuple[object, ...]] = {
    "brevo": ("hard_bounce", "invalid_email"),
    "mailersend": ("hard_bounced",),
    "mailjet": (True,),
    "mailtrap": ("bounce",),
    "mandrill": ("hard_bounce",),
    "resend": ("Permanent",),
    "unisender-go": (
        "err_user_unknown",
        "err_user_inactive",
        "err_domain_inactive",
        "err_mailbox_discarded",
    ),
}
