"""Removes the values of a person from sealed events, and keeps their digests for the chain."""

from collections.abc import Sequence

from django.db import connection
from django.db.models import BinaryField, Func, Q, QuerySet

from users.audit.chain import (
    BATCH_SIZE,
    SALT_OFFSETS,
    EventRow,
    event_rows,
    lock_chain_head,
    seal_events,
    sealed_digest,
    update_events,
)
from users.audit.models import AuditEvent
from users.audit.trail.outdated_blocks import outdate_blocks
from users.database.clock import current_time
from users.database.erasure_rules import (
    POSTGRESQL,
    SALT_HALF_SIZE,
    SQLITE,
    Dialect,
    emptied_columns,
)


def blank_events(events: QuerySet[AuditEvent], *parts: str) -> int:
    """Removes the values of `parts` ("target", "actor") from `events`, after sealing those that are
    unsealed. Returns the number of blanked parts, 0 when repeated.

    Call it in the transaction of the erasure. `events` is evaluated again after each batch, so it
    must not filter by the removed values.
    """
    head = lock_chain_head()
    blanked = 0
    for part in parts:
        full = events_with_values(events, part)
        while batch := list(full.values_list("pk", flat=True)[:BATCH_SIZE]):
            chosen = AuditEvent.objects.filter(pk__in=batch).order_by("pk")
            seal_events(head, chosen.filter(chain_position__isnull=True))
            blank_event_part(part, event_rows(chosen))
            blanked += len(batch)
    return blanked


def events_with_values(events: QuerySet[AuditEvent], part: str) -> QuerySet[AuditEvent]:
    """Returns the events that still have values of `part`, in full or redacted."""
    salt = Func(
        "chain_salt",
        1 + SALT_OFFSETS[part],
        SALT_HALF_SIZE,
        function="substr",
        output_field=BinaryField(),
    )
    has_values = Q(**{f"{part}_digest__isnull": True}) | ~Q(own_salt=bytes(SALT_HALF_SIZE))
    return events.alias(own_salt=salt).filter(has_values).order_by("pk")


def blank_event_part(part: str, sealed: Sequence[EventRow]) -> None:
    """Removes the values and the salt of one part from sealed events, and stores its digest."""
    dialect = POSTGRESQL if connection.vendor == "postgresql" else SQLITE
    changes = emptied_columns(part, dialect, "users_auditevent") | {
        f"{part}_digest": f"given.{part}_digest",
        "chain_salt": blanked_salt_sql(part, dialect),
        "erased_at": "given.erased_at",
    }
    types = {f"{part}_digest": "bytea", "erased_at": "timestamptz"}
    now = connection.ops.adapt_datetimefield_value(current_time())
    values = [(row.id, sealed_digest(part, row), now) for row in sealed]
    update_events(changes, types, values)
    outdate_blocks(row.id for row in sealed)


def blanked_salt_sql(part: str, dialect: Dialect) -> str:
    """Returns SQL for the salt of an event with zeros for the half of `part`."""
    halves = {
        name: f"substr(users_auditevent.chain_salt, {1 + offset}, {SALT_HALF_SIZE})"
        for name, offset in SALT_OFFSETS.items()
    }
    halves[part] = dialect.zeros
    joined = " || ".join(halves.values())
    return joined if connection.vendor == "postgresql" else f"CAST({joined} AS BLOB)"
