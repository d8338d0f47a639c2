"""The hash chain of audit events: each event is bound to the one before it, so that changed,
removed, inserted and reordered events are noticed.

    chain_hash = H(chain_previous, digest of the target's values, digest of the actor's values,
                   position and public fields)
    digest     = H(salt of that part, the values of that part)

The values of a person enter the hash only as a salted digest. An erasure removes the values and
their salt and keeps the digest: the hash still verifies, and names cannot be guessed from a digest
without its salt. The public fields are ids, times, the action and the names of changed fields.
"""

import json
import secrets
import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from users.audit.models import AuditEvent, ChainHead
from users.audit.trail.outdated_blocks import outdate_blocks
from users.audit.tree.recent_hashes import RecentHashes
from users.audit.unreadable import UNREADABLE, unreadable_ids
from users.database.clock import current_time, not_after_now
from users.database.erasure_rules import EVENT_PARTS, SALT_HALF_SIZE
from users.database.local_settings import WITHOUT_SORTING, set_local_settings
from users.database.triggers import SEALING_SETTING

CHAIN_VERSION = b"rollcall audit 1"
BATCH_SIZE = 2000  # events in one transaction, which takes about 100 ms
SETTLING_TIME = timedelta(minutes=1)
# An event may be committed later than its time says, and clocks of hosts differ. With a larger
# difference it counts as inserted by someone.
TIME_TOLERANCE = timedelta(hours=1)
# Where the salt of each part begins in chain_salt.
SALT_OFFSETS = {part: SALT_HALF_SIZE * number for number, part in enumerate(EVENT_PARTS)}
CHAIN_COLUMN_TYPES = {
    "chain_position": "bigint",
    "chain_salt": "bytea",
    "chain_previous": "bytea",
    "chain_hash": "bytea",
}
# Salts and hashes have fixed lengths, so all of a batch are two values. Arrays of them take the
# client five times as long. The first hash is that of the event before the batch.
SEAL_SQL = f"""
    UPDATE users_auditevent SET
        chain_position = %s + place,
        chain_salt = substr(salts, {2 * SALT_HALF_SIZE} * (place - 1) + 1, {2 * SALT_HALF_SIZE}),
        chain_previous = substr(hashes, 32 * (place - 1) + 1, 32),
        chain_hash = substr(hashes, 32 * place + 1, 32)
    FROM
        (SELECT %s::bytea AS salts, %s::bytea AS hashes) AS joined,
        (SELECT id, place::integer FROM unnest(%s::bigint[]) WITH ORDINALITY AS each(id, place))
            AS given
    WHERE users_auditevent.id = given.id
"""  # noqa: S608  no input in it
# The trigger lets events with a session be sealed only by those who include it in their digest.
ANNOUNCE_SESSIONS = {SEALING_SETTING: "on"}
# Creating an encoder takes as long as encoding an event.
ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class EventRow(NamedTuple):
    """An event as it is stored."""

    id: int
    at: datetime
    action: str
    actor_id: int | None
    target_id: int | None
    target_version: int | None
    request_id: str
    job_id: int | None
    target_text: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str
    ticket: str
    actor_text: str
    ip: str | None
    user_agent: str
    session_id: UUID | None
    chain_position: int | None
    chain_salt: bytes | None
    chain_previous: bytes | None
    chain_hash: bytes | None
    target_digest: bytes | None
    actor_digest: bytes | None
    erased_at: datetime | None


def event_rows(events: QuerySet[AuditEvent]) -> list[EventRow]:
    return [EventRow._make(values) for values in events.values_list(*EventRow._fields)]


def target_values(row: EventRow) -> list[Any]:
    return [row.target_text, row.before, row.after, row.reason, row.ticket]


def actor_values(row: EventRow) -> list[Any]:
    """Returns the values of the actor's part. Events without a session have the form that all had
    before there were sessions.
    """
    values = [row.actor_text, row.ip, row.user_agent]
    if row.session_id is not None:
        values.append(str(row.session_id))
    return values


PART_VALUES = {"target": target_values, "actor": actor_values}


def part_salt(part: str, salt: bytes) -> bytes:
    start = SALT_OFFSETS[part]
    return salt[start : start + SALT_HALF_SIZE]


def part_digest(part: str, row: EventRow, salt: bytes) -> bytes:
    return sha256(part_salt(part, salt) + canonical_json(PART_VALUES[part](row))).digest()


def sealed_digest(part: str, row: EventRow) -> bytes:
    """Returns the digest with which the part was sealed, even if its values have been erased."""
    return bytes(
        getattr(row, f"{part}_digest") or part_digest(part, row, bytes(row.chain_salt or b""))
    )


def event_hash(row: EventRow, position: int, previous: bytes, target: bytes, actor: bytes) -> bytes:
    """Returns the chain hash of an event. `target` and `actor` are the digests of its parts."""
    public = [
        position,
        row.id,
        row.at.astimezone(UTC).isoformat(timespec="microseconds"),
        row.action,
        row.actor_id,
        row.target_id,
        row.target_version,
        row.request_id,
        row.job_id,
        field_names(row.before),
        field_names(row.after),
    ]
    content = b"".join([CHAIN_VERSION, previous, target, actor, canonical_json(public)])
    return sha256(content).digest()


def field_names(values: Any) -> list[str]:
    """Returns the names of fields in order. Rows that others insert may have JSON without any."""
    return sorted(values) if isinstance(values, dict) else []


def canonical_json(values: list[Any]) -> bytes:
    """Returns JSON with sorted keys, so that equal values give equal bytes on every database:
    PostgreSQL's jsonb does not keep the order of keys.
    """
    return ENCODER.encode(values).encode()


# --- sealing --------------------------------------------------------------------------------------


def seal_waiting_events(
    seconds: float = 20,
    limit: int | None = None,
    recent: RecentHashes | None = None,
) -> int:
    """Seals unsealed events for about `seconds`, about `limit` of them, and returns their number.
    `recent` gets their hashes.

    Each batch is one transaction, so an interruption does no harm.
    """
    deadline = time.monotonic() + seconds
    sealed = 0
    advance_settled_id()
    started = current_time()
    left_out: set[int] = set()
    while True:
        try:
            batch = seal_batch(started, recent, left_out)
        except UNREADABLE as error:
            waiting = batch_to_seal(ChainHead.objects.get(pk=1), left_out)
            left_out |= unreadable_ids(waiting, event_rows, error)
            continue
        sealed += batch
        is_enough = limit is not None and sealed >= limit
        if batch < BATCH_SIZE or is_enough or time.monotonic() > deadline:
            return sealed


def seal_batch(started: datetime, recent: RecentHashes | None, left_out: Collection[int]) -> int:
    """Seals a batch of events and returns their number. With the last batch, everything from before
    `started` is sealed, apart from the IDs `left_out`.
    """
    with transaction.atomic():
        head = lock_chain_head()
        set_local_settings(WITHOUT_SORTING)
        hashes = seal_events(head, batch_to_seal(head, left_out))
        if len(hashes) < BATCH_SIZE:
            head.sealed_until = started
            head.save(update_fields=["sealed_until"])
    if recent is not None:
        recent.add(head.position - len(hashes), hashes)
    return len(hashes)


def lock_chain_head() -> ChainHead:
    """Locks and returns the head of the chain. Nobody else can seal events until the transaction
    ends, so the chain never forks.
    """
    head, _ = ChainHead.objects.select_for_update().get_or_create(pk=1)
    return head


def advance_settled_id() -> None:
    """Raises settled_id to the highest id that was sealed at least a minute ago. No transaction is
    expected to commit an event with a lower id any more.
    """
    with transaction.atomic():
        head = lock_chain_head()
        # A time far in the future, from when the clock was ahead, must not block this.
        if abs(current_time() - head.looked_at) >= SETTLING_TIME:
            head.settled_id = head.newest_id
            head.looked_at = current_time()
            head.save(update_fields=["settled_id", "looked_at"])


def events_to_seal(head: ChainHead) -> QuerySet[AuditEvent]:
    """Returns the unsealed events by id, without those of backdated_events: the verification
    reports them.
    """
    waiting = AuditEvent.objects.filter(chain_position__isnull=True).order_by("pk")
    if head.sealed_until is None:
        return waiting
    return waiting.filter(at__gte=not_after_now(head.sealed_until) - TIME_TOLERANCE)


def batch_to_seal(head: ChainHead, left_out: Collection[int]) -> QuerySet[AuditEvent]:
    return events_to_seal(head).exclude(pk__in=left_out)[:BATCH_SIZE]


def backdated_events(head: ChainHead) -> QuerySet[AuditEvent]:
    """Returns unsealed events that are dated well before the time at which all events were sealed:
    they were inserted after the fact.
    """
    waiting = AuditEvent.objects.filter(chain_position__isnull=True).order_by("pk")
    if head.sealed_until is None:
        return waiting.none()
    return waiting.filter(at__lt=not_after_now(head.sealed_until) - TIME_TOLERANCE)


def seal_events(head: ChainHead, events: QuerySet[AuditEvent]) -> list[bytes]:
    """Appends unsealed events to the chain and returns their chain hashes. The caller has locked
    the head.
    """
    previous = bytes(head.hash)
    position = head.position
    sealed = []
    for row in event_rows(events):
        position += 1
        salt = secrets.token_bytes(2 * SALT_HALF_SIZE)
        digests = [part_digest(part, row, salt) for part in EVENT_PARTS]
        own_hash = event_hash(row, position, previous, *digests)
        sealed.append((row.id, position, salt, previous, own_hash))
        previous = own_hash
    if sealed:
        store_seals(sealed)
        outdate_late_blocks(head, [row_id for row_id, *_ in sealed])
        last_id = sealed[-1][0]
        head.position = position
        head.hash = previous
        head.newest_id = max(head.newest_id, last_id)
        head.save(update_fields=["position", "hash", "newest_id"])
    return [own_hash for *_, own_hash in sealed]


def outdate_late_blocks(head: ChainHead, ids: Sequence[int]) -> None:
    """Removes the tokens of blocks that may have been indexed without some of these events, which
    were committed late. Only blocks up to `settled_id` are indexed.
    """
    late = [pk for pk in ids if pk <= head.settled_id]
    if late:
        outdate_blocks(late)


def store_seals(sealed: Sequence[tuple[int, int, bytes, bytes, bytes]]) -> None:
    """Fills the chain columns of events: id, position, salt, previous hash and hash of each, in the
    order of the chain. Raises RuntimeError unless all of them were updated.
    """
    if connection.vendor != "postgresql":
        changes = {name: f"given.{name}" for name in CHAIN_COLUMN_TYPES}
        update_events(changes, CHAIN_COLUMN_TYPES, sealed)
        return
    ids, positions, salts, before, hashes = zip(*sealed, strict=True)
    chained = before[0] + b"".join(hashes)
    set_local_settings(ANNOUNCE_SESSIONS)
    with connection.cursor() as cursor:
        cursor.execute(SEAL_SQL, [positions[0] - 1, b"".join(salts), chained, list(ids)])
        require_written(cursor.rowcount, len(sealed))


def seal_event(event: AuditEvent) -> None:
    """Seals one event at once, inside a transaction."""
    seal_events(lock_chain_head(), AuditEvent.objects.filter(pk=event.pk))


def update_events(changes: dict[str, str], types: dict[str, str], rows: Sequence[tuple]) -> None:
    """Updates events with one statement. Raises RuntimeError unless all of them were updated.

    `rows`: the id of each event, followed by the values that are named in `types`. `types`: their
    PostgreSQL types by name. `changes`: SQL by column, which may refer to a value as given.NAME.
    """
    setting = ", ".join(f"{column} = {value}" for column, value in changes.items())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            arrays = ", ".join(f"%s::{kind}[]" for kind in ["bigint", *types.values()])
            source = f"unnest({arrays}) AS given(id, {', '.join(types)})"
            columns = [list(column) for column in zip(*rows, strict=True)]
            cursor.execute(event_update_sql(setting, source), columns)
        else:
            names = ", ".join(f"%s AS {name}" for name in types)
            source = f"(SELECT %s AS id, {names}) AS given"
            cursor.executemany(event_update_sql(setting, source), rows)
        require_written(cursor.rowcount, len(rows))


def require_written(written: int, wanted: int) -> None:
    """Raises RuntimeError, which rolls the whole transaction back, unless all were written."""
    if written != wanted:
        raise RuntimeError(f"{written} of {wanted} events were written")


def event_update_sql(setting: str, source: str) -> str:
    """Returns an UPDATE of the events whose ids are in `source`, which has the alias `given`."""
    return (
        f"UPDATE users_auditevent SET {setting} FROM {source} "  # noqa: S608  no input in it
        "WHERE users_auditevent.id = given.id"
    )
