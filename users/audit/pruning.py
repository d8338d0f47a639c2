"""Prunes the audit trail: deletes the oldest events after retention has removed their values.

The chain continues after the last pruned event, whose hash stays with the head of the chain. The
tiles of the tree stay, so checkpoints and anchors of pruned events can still be checked. Each
range is recorded in an event, which is sealed: the verification accepts a chain that begins later
only if such a record names the same position and hash.

`audit_prune` runs this as the role that owns the tables: the serving role may not delete events.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from users.audit import chain
from users.audit.feeds.models import DeadLetter, Feed
from users.audit.models import AuditEvent, ChainHead
from users.audit.record import record_event
from users.audit.retention import MIN_AGE, removed_until, valid_records
from users.audit.trail.outdated_blocks import outdate_blocks
from users.audit.tree.merkle import RANGE_SIZE
from users.audit.tree.models import TreeHead
from users.audit.verification.origin_changes import ORIGIN_CHANGED_ACTION
from users.identifiers import LARGEST_ID

PRUNED_ACTION = "audit.events_removed"
VALUES_STAY = (
    "older events still have personal values; set AUDIT_VALUE_YEARS, or wait for the worker"
)
NOT_IN_TREE = "the tree does not have older events yet; wait until they are sealed"
NOT_READ = "a feed, a webhook or the dashboard has not read older events yet"
IDS_NOT_COUNTED = "the unused IDs of older events are not recorded yet; wait for the sealing"
ORIGIN_CHANGE = "the next events include a change of the log’s origin, which has to stay"


class Pruning(NamedTuple):
    """A record that the events up to `until`, all dated before `before`, were pruned. `hash` is the
    last one's, `newest_id` the highest ID that was ever pruned.
    """

    recorded: int
    at: datetime
    until: int
    before: datetime
    hash: bytes
    newest_id: int
    events: int
    actor: str
    reason: str


class NotPrunable(Exception):
    """The next range can't be pruned; the message is a part of a sentence."""


def prune_range(
    limit: datetime,
    *,
    read_until: int,
    by: Any,
    reason: str,
) -> Pruning | None:
    """Prunes the next RANGE_SIZE events in one transaction with the record of it. Returns the
    record, or None if fewer events are dated before `limit`. Raises NotPrunable.

    `read_until`: the position that all readers outside of this room have reached.
    """
    with transaction.atomic():
        head = chain.lock_chain_head()
        end = head.pruned_position + RANGE_SIZE
        events = sealed_range(head.pruned_position, end)
        if not is_older(events, limit):
            return None
        require_prunable(head, events, min(read_until, feed_position()))
        move_start(head, events, end)
        after = pruning_values(head, limit)
        record = record_event(PRUNED_ACTION, actor=by, after=after, reason=reason)
        chain.seal_event(record)
        delete_events(events, end)
    record.refresh_from_db()
    return parse_pruning(record)


def move_start(head: ChainHead, events: Any, end: int) -> None:
    """Records in the head of the chain that the events up to `end` are pruned."""
    last = events.get(chain_position=end)
    newest_id = events.aggregate(newest=Max("pk"))["newest"]
    head.pruned_position = end
    head.pruned_hash = last.chain_hash
    head.pruned_at = last.at
    head.pruned_id = max(head.pruned_id, newest_id)
    head.save(update_fields=["pruned_position", "pruned_hash", "pruned_at", "pruned_id"])


def pruning_values(head: ChainHead, limit: datetime) -> dict[str, Any]:
    """Returns what the record of a pruning says, from which `parse_pruning` reads it."""
    return {
        "position": head.pruned_position,
        "hash": bytes(head.pruned_hash).hex(),
        "newest_id": head.pruned_id,
        "before": limit,
        "events": RANGE_SIZE,
    }


def sealed_range(after: int, until: int) -> Any:
    """Returns the events at the positions after `after` and up to `until`."""
    return AuditEvent.objects.filter(chain_position__gt=after, chain_position__lte=until)


def is_older(events: Any, limit: datetime) -> bool:
    """Returns whether a whole range of events is dated before `limit`."""
    times = list(events.values_list("at", flat=True))
    return len(times) == RANGE_SIZE and max(times) < limit


def require_prunable(head: ChainHead, events: Any, read_until: int) -> None:
    """Raises NotPrunable unless the next RANGE_SIZE events are no longer needed."""
    end = head.pruned_position + RANGE_SIZE
    if end > removed_until():
        raise NotPrunable(VALUES_STAY)
    size = TreeHead.objects.values_list("size", flat=True).first() or 0
    if end > size:
        raise NotPrunable(NOT_IN_TREE)
    if end > read_until:
        raise NotPrunable(NOT_READ)
    newest_id = events.aggregate(newest=Max("pk"))["newest"]
    if connection.vendor == "postgresql" and newest_id > head.counted_id:
        raise NotPrunable(IDS_NOT_COUNTED)
    if events.filter(action=ORIGIN_CHANGED_ACTION).exists():
        raise NotPrunable(ORIGIN_CHANGE)


def feed_position() -> int:
    """Returns the position that all feeds of the settings have reached."""
    names = list(settings.AUDIT_FEEDS.targets())
    feeds = Feed.objects.filter(name__in=names)
    return min(feeds.values_list("position", flat=True), default=LARGEST_ID)


def delete_events(events: Any, until: int) -> None:
    """Deletes the events up to a position, and their dead letters. The trigger allows this for
    events that the head of the chain names as pruned.
    """
    ids = list(events.values_list("pk", flat=True))
    DeadLetter.objects.filter(event_id__in=ids).delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM users_auditevent WHERE chain_position <= %s", [until])
        chain.require_written(cursor.rowcount, RANGE_SIZE)
    outdate_blocks(ids)


# --- records --------------------------------------------------------------------------------------


def parse_prunings(events: Iterable[AuditEvent]) -> Iterator[Pruning]:
    """Yields the valid records of prunings among `events`."""
    yield from valid_records(events, parse_pruning)


def parse_pruning(event: AuditEvent) -> Pruning:
    """Returns what an event records. Raises KeyError, OverflowError, TypeError or ValueError."""
    pruning = Pruning(
        recorded=event.chain_position or 0,
        at=event.at,
        until=int(event.after["position"]),
        before=datetime.fromisoformat(event.after["before"]),
        hash=bytes.fromhex(event.after["hash"]),
        newest_id=int(event.after["newest_id"]),
        events=int(event.after["events"]),
        actor=event.actor_text,
        reason=event.reason,
    )
    if pruning.until >= pruning.recorded or pruning.at - pruning.before < MIN_AGE:
        raise ValueError("it names events that may not be removed")
    return pruning


def find_pruning(head: ChainHead) -> Pruning | None:
    """Returns the sealed record of the last pruning that a head names; None if there is none."""
    records = AuditEvent.objects.filter(action=PRUNED_ACTION, target_id=None, before={})
    later = records.filter(chain_position__gt=head.pruned_position).order_by("chain_position")
    for pruning in parse_prunings(later.iterator()):
        named = (pruning.until, pruning.hash, pruning.newest_id)
        if named == (head.pruned_position, bytes(head.pruned_hash), head.pruned_id):
            return pruning
    return None
