"""Reads what happened since the last read: sealed audit events by chain position, and sign-ins by
ID.
"""

from collections.abc import Iterable
from datetime import timedelta

from users.audit.models import AuditEvent, ChainHead
from users.database.clock import current_time
from users.identifiers import LARGEST_ID
from users.sessions.models import SignInEvent, SignInOutcome
from users.webhooks.kinds import SIGNED_IN, actions_of_kinds, kind_of_event
from users.webhooks.models import WebhookDelivery, WebhookSubscription

Source = WebhookDelivery.Source
# A sign-in is one INSERT of a web process, which gives up after two seconds: after this time, no
# row with a lower ID is still to come.
SIGN_IN_DELAY = timedelta(minutes=1)
# Positions of the chain in one read.
READ_POSITIONS = 20_000


def reached_position() -> int:
    """Returns the chain position up to which all webhooks have read."""
    existing = WebhookSubscription.objects.filter(deleted_at=None)
    return min(existing.values_list("position", flat=True), default=LARGEST_ID)


def new_deliveries(row: WebhookSubscription, limit: int) -> list[WebhookDelivery]:
    """Returns unsaved deliveries of the next events, and moves the cursors of `row` behind what was
    read. The caller stores both in one transaction.
    """
    return [*event_deliveries(row, limit), *sign_in_deliveries(row, limit)]


def event_deliveries(row: WebhookSubscription, limit: int) -> list[WebhookDelivery]:
    """Returns deliveries in the order of the chain. One call reads at most READ_POSITIONS
    positions, however few of them the receiver wants.
    """
    head = ChainHead.objects.values_list("position", flat=True).first() or 0
    until = min(head, row.position + READ_POSITIONS)
    later = AuditEvent.objects.filter(
        chain_position__gt=row.position,
        chain_position__lte=until,
        action__in=actions_of_kinds(row.kinds),
    )
    events = list(later.order_by("chain_position")[:limit])
    row.position = until if len(events) < limit else events[-1].chain_position or until
    found = []
    for event in events:
        kind = kind_of_event(event)
        if kind in row.kinds:
            source = (Source.EVENT, event.pk)
            found.append(unsaved_delivery(row, kind, source, event.target_id))
    return found


def sign_in_deliveries(row: WebhookSubscription, limit: int) -> list[WebhookDelivery]:
    if SIGNED_IN not in row.kinds:
        return []
    settled = current_time() - SIGN_IN_DELAY
    later = SignInEvent.objects.filter(pk__gt=row.sign_in_id).order_by("pk")
    found = []
    for sign_in in later.only("at", "account_id", "outcome")[:limit]:
        if sign_in.at > settled:
            break
        row.sign_in_id = sign_in.pk
        if sign_in.account_id is None or sign_in.outcome != SignInOutcome.OK:
            continue
        source = (Source.SIGN_IN, sign_in.pk)
        found.append(unsaved_delivery(row, SIGNED_IN, source, sign_in.account_id))
    return found


def unsaved_delivery(
    row: WebhookSubscription, kind: str, source: tuple[str, int], account_id: int | None
) -> WebhookDelivery:
    """Returns a new delivery. `source`: the kind and the ID of the event or the sign-in."""
    name, pk = source
    return WebhookDelivery(
        subscription=row,
        kind=kind,
        source=name,
        source_id=pk,
        account_id=account_id,
        created_at=current_time(),
    )


def newest_sign_in_id() -> int:
    newest = SignInEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
    return newest or 0


def source_rows(deliveries: Iterable[WebhookDelivery]) -> dict[str, AuditEvent | SignInEvent]:
    """Returns the events of deliveries by message ID. One that retention has removed is missing."""
    ids: dict[str, set[int]] = {Source.EVENT: set(), Source.SIGN_IN: set()}
    for delivery in deliveries:
        if delivery.source_id is not None:
            ids[delivery.source].add(delivery.source_id)
    found: dict[str, AuditEvent | SignInEvent] = {}
    for event in AuditEvent.objects.filter(pk__in=ids[Source.EVENT]):
        found[f"{Source.EVENT}_{event.pk}"] = event
    for sign_in in SignInEvent.objects.filter(pk__in=ids[Source.SIGN_IN]):
        found[f"{Source.SIGN_IN}_{sign_in.pk}"] = sign_in
    return found
