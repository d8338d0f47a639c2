"""The chain: each event is bound to the one before it, so that none can be changed, taken out, put
in or moved unnoticed.

    chain_hash = H(chain_previous, digest of the target's values, digest of the actor's values, position and public fields)
    digest     = H(salt of that part, the values of that part)

The values of a person enter by a salted digest alone. Erasing takes the values and their salt and
keeps the digest: the hash still verifies, and nobody can try names against a digest whose salt is
gone. Public are ids, times, the action and the names of the fields that changed.
"""

import json
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import BinaryField, Func, Q, QuerySet
from django.utils import timezone

from users.audit.models import AuditEvent, ChainHead
from users.database.erasure_rules import (
    EVENT_PARTS,
    POSTGRESQL,
    SALT_HALF_SIZE,
    SQLITE,
    emptied_columns,
)

CHAIN_VERSION = b"rollcall audit 1"
BATCH_SIZE = 1000  # events in one transaction: some 50 ms in which nobody else seals
SETTLING_TIME = timedelta(minutes=1)
# An event may be committed after later ones have been sealed. One that comes later than this was
# put in by somebody.
MAX_COMMIT_DELAY = timedelta(days=1)


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
    return [row.actor_text, row.ip, row.user_agent]


PART_VALUES = {"target": target_values, "actor": actor_values}


def part_salt(part: str, salt: bytes) -> bytes:
    start = SALT_HALF_SIZE * list(EVENT_PARTS).index(part)
    return salt[start : start + SALT_HALF_SIZE]


def part_digest(part: str, row: EventRow, salt: bytes) -> bytes:
    return sha256(part_salt(part, salt) + canonical_json(PART_VALUES[part](row))).digest()


def sealed_digest(part: str, row: EventRow) -> bytes:
    """Of the part as it was sealed, whatever has been taken out of it since."""
    return bytes(
        getattr(row, f"{part}_digest") or part_digest(part, row, bytes(row.chain_salt or b""))
    )


def event_hash(row: EventRow, position: int, previous: bytes, target: bytes, actor: bytes) -> bytes:
    """`target` and `actor`: the digests of the parts."""
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
        sorted(row.before),
        sorted(row.after),
    ]
    return sha256(
        b"".join([CHAIN_VERSION, previous, target, actor, canonical_json(public)])
    ).digest()


def canonical_json(values: list[Any]) -> bytes:
    """The same bytes for the same values on every database: PostgreSQL keeps the names of an object
    in an order of its own.
    """
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()


# --- sealing --------------------------------------------------------------------------------------


def seal_waiting_events(seconds: float = 20) -> int:
    """Seals what waits, for about `seconds`, in batches that can be interrupted anywhere; how many
    events it were.
    """
    deadline = time.monotonic() + seconds
    sealed = 0
    advance_settled_id()
    while True:
        with transaction.atomic():
            head = lock_chain_head()
            batch = seal_events(head, events_to_seal(head)[:BATCH_SIZE])
        sealed += batch
        if batch < BATCH_SIZE or time.monotonic() > deadline:
            return sealed


def lock_chain_head() -> ChainHead:
    """Inside a transaction. Until its end nobody else seals, so two events never follow the same
    one.
    """
    head, _ = ChainHead.objects.select_for_update().get_or_create(pk=1)
    return head


def advance_settled_id() -> None:
    """Moves up the id below which no event is underway any more: the newest sealed one of a minute
    and more ago.
    """
    with transaction.atomic():
        head = lock_chain_head()
        if head.looked_at <= timezone.now() - SETTLING_TIME:
            head.settled_id = head.newest_id
            head.looked_at = timezone.now()
            head.save(update_fields=["settled_id", "looked_at"])


def events_to_seal(head: ChainHead) -> QuerySet[AuditEvent]:
    """In the order of writing. What was put in among sealed events is left to the verifier."""
    young = Q(pk__gt=head.settled_id) | Q(at__gte=timezone.now() - MAX_COMMIT_DELAY)
    return AuditEvent.objects.filter(young, chain_position__isnull=True).order_by("pk")


def late_inserted_events(head: ChainHead) -> QuerySet[AuditEvent]:
    """Events that were written among sealed ones, long after those were."""
    waiting = AuditEvent.objects.filter(chain_position__isnull=True).order_by("pk")
    return waiting.filter(pk__lte=head.settled_id, at__lt=timezone.now() - MAX_COMMIT_DELAY)


def seal_events(head: ChainHead, events: QuerySet[AuditEvent]) -> int:
    """Gives each of `events`, which are not sealed, its place at the end of the chain. `head` is
    locked.
    """
    previous = bytes(head.hash)
    position = head.position
    places = []
    for row in (waiting := event_rows(events)):
        salt = secrets.token_bytes(2 * SALT_HALF_SIZE)
        position = position + 1
        digests = [part_digest(part, row, salt) for part in EVENT_PARTS]
        own = event_hash(row, position, previous, *digests)
        places.append((row.id, position, salt, previous, own))
        previous = own
    if places:
        columns = ["chain_position", "chain_salt", "chain_previous", "chain_hash"]
        update_events(
            {name: f"given.{name}" for name in columns},
            dict(zip(columns, CHAIN_COLUMN_TYPES, strict=True)),
            places,
        )
        head.position = position
        head.hash = previous
        head.newest_id = max(head.newest_id, waiting[-1].id)
        head.save(update_fields=["position", "hash", "newest_id"])
    return len(places)


CHAIN_COLUMN_TYPES = ["bigint", "bytea", "bytea", "bytea"]


# --- erasing --------------------------------------------------------------------------------------


def blank_events(events: QuerySet[AuditEvent], *parts: str) -> int:
    """Takes the values of `parts` ("target", "actor") out of `events`, sealing first what is not
    sealed yet. Inside the transaction of the erasure. `events` must not be chosen by those values:
    they are asked for again after each batch. How many parts were taken; repeating it takes
    nothing.
    """
    head = lock_chain_head()
    taken = 0
    for part in parts:
        full = events_with_values(events, part)
        while batch := list(full.values_list("pk", flat=True)[:BATCH_SIZE]):
            chosen = AuditEvent.objects.filter(pk__in=batch).order_by("pk")
            seal_events(head, chosen.filter(chain_position__isnull=True))
            blank_event_part(part, event_rows(chosen))
            taken += len(batch)
    return taken


def events_with_values(events: QuerySet[AuditEvent], part: str) -> QuerySet[AuditEvent]:
    """Those that have the values of `part`, or what a redaction left of them."""
    salt = Func(
        "chain_salt",
        1 + SALT_HALF_SIZE * list(EVENT_PARTS).index(part),
        SALT_HALF_SIZE,
        function="substr",
        output_field=BinaryField(),
    )
    left = Q(**{f"{part}_digest__isnull": True}) | ~Q(own_salt=bytes(SALT_HALF_SIZE))
    return events.alias(own_salt=salt).filter(left).order_by("pk")


def blank_event_part(part: str, sealed: Sequence[EventRow]) -> None:
    dialect = POSTGRESQL if connection.vendor == "postgresql" else SQLITE
    zeros = dialect.zeros
    halves = [
        f"substr(users_auditevent.chain_salt, {1 + SALT_HALF_SIZE * n}, {SALT_HALF_SIZE})"
        for n in range(len(EVENT_PARTS))
    ]
    halves[list(EVENT_PARTS).index(part)] = zeros
    joined = " || ".join(halves)
    salt = joined if connection.vendor == "postgresql" else f"CAST({joined} AS BLOB)"
    given = f"given.{part}_digest"
    changes = emptied_columns(part, dialect, "users_auditevent") | {
        f"{part}_digest": given,
        "chain_salt": salt,
        "erased_at": "given.erased_at",
    }
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    places = [(row.id, sealed_digest(part, row), now) for row in sealed]
    update_events(changes, {f"{part}_digest": "bytea", "erased_at": "timestamptz"}, places)


def update_events(changes: dict[str, str], given: dict[str, str], values: Sequence[tuple]) -> None:
    """One UPDATE for all: `values` are (id, *given), `given` their names and types, `changes` the
    new values in SQL.
    """
    setting = ", ".join(f"{column} = {value}" for column, value in changes.items())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            arrays = ", ".join(f"%s::{kind}[]" for kind in ["bigint", *given.values()])
            source = f"unnest({arrays}) AS given(id, {', '.join(given)})"
            cursor.execute(
                f"UPDATE users_auditevent SET {setting} FROM {source} WHERE users_auditevent.id = given.id",  # noqa: S608
                [list(column) for column in zip(*values, strict=True)],
            )
            written = cursor.rowcount
        else:
            source = (
                "(SELECT %s AS id, " + ", ".join(f"%s AS {name}" for name in given) + ") AS given"
            )
            statement = f"UPDATE users_auditevent SET {setting} FROM {source} WHERE users_auditevent.id = given.id"  # noqa: S608
            cursor.executemany(statement, values)
            written = cursor.rowcount
    if written != len(values):
        raise RuntimeError(
            f"{written} of {len(values)} events were written"
        )  # takes the whole transaction back
