"""Removes the words that name an erased person from events about other people. The other contents
of an event stay, and stay protected by the chain.

The digest of the original part remains in the event and keeps the hash valid, as after an erasure.
Its salt is replaced, so that the removed words cannot be guessed from the digest. The digest of the
remaining text, with the new salt, is recorded in another event, which is sealed, so that a later
change is noticed. Database triggers only allow words to be replaced by a neutral one.
"""

import json
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection
from django.utils import timezone

from users.audit import chain
from users.audit.former_values import blank_former_values
from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.audit.trail.outdated_blocks import outdate_blocks
from users.database.erasure_rules import (
    EVENT_PARTS,
    JSON_COLUMNS,
    NON_TEXT_COLUMNS,
    SALT_HALF_SIZE,
)

REDACTED_ACTION = "audit.redacted"
TEXT_COLUMNS = tuple(
    column
    for columns in EVENT_PARTS.values()
    for column in columns
    if column not in NON_TEXT_COLUMNS
)
EVENTS_PER_RECORD = 100  # events that one audit event records

TextChanges = dict[int, dict[str, Any]]  # new values of TEXT_COLUMNS by event id
# Called with the ids of events that have lost words, in that transaction.
REDACTION_STEPS: list[Callable[[Sequence[int]], None]] = []


class SystemActor:
    """The actor of an automatic action."""

    pk = None

    def __str__(self) -> str:
        return "Rollcall"


def register_redaction_step(step: Callable[[Sequence[int]], None]) -> None:
    """Registers what a later room does with copies of redacted events."""
    REDACTION_STEPS.append(step)


def redact_events(changes: TextChanges) -> None:
    """Writes changed texts of events, inside a transaction."""
    ids = sorted(changes)
    for start in range(0, len(ids), EVENTS_PER_RECORD):
        redact_batch(ids[start : start + EVENTS_PER_RECORD], changes)


def redact_batch(ids: Sequence[int], changes: TextChanges) -> None:
    """Writes the changed texts of some events, and records the digests of the results."""
    head = chain.lock_chain_head()
    chosen = AuditEvent.objects.filter(pk__in=ids).order_by("pk")
    chain.seal_events(head, chosen.filter(chain_position__isnull=True))
    digests = []
    for part, columns in EVENT_PARTS.items():
        # Read again for the second part, since the first one has changed the salt.
        for row in chain.event_rows(chosen):
            if changes[row.id].keys() & set(columns):
                digest = redact_event_part(part, row, changes[row.id])
                digests.append([row.id, part, digest.hex()])
    outdate_blocks(ids)
    blank_former_values([pk for pk in ids if "before" in changes[pk]])
    # Sealed at once, since the verification believes no other record.
    record = record_event(REDACTED_ACTION, actor=SystemActor(), after={"events": digests})
    chain.seal_event(record)
    for step in REDACTION_STEPS:
        step(ids)


def redact_event_part(part: str, row: chain.EventRow, changed: dict[str, Any]) -> bytes:
    """Writes the changed texts of one part of an event and returns the digest of the result."""
    columns = [column for column in EVENT_PARTS[part] if column in TEXT_COLUMNS]
    salt = renewed_salt(part, bytes(row.chain_salt or b""))
    new = row._replace(**{column: changed[column] for column in columns if column in changed})
    values = [stored_value(column, getattr(new, column)) for column in columns]
    types = {column: sql_type(column) for column in columns}
    types |= {
        f"{part}_digest": "bytea",
        "chain_salt": "bytea",
        "erased_at": "timestamptz",
    }
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    update = (row.id, *values, chain.sealed_digest(part, row), salt, now)
    chain.update_events({column: f"given.{column}" for column in types}, types, [update])
    return chain.part_digest(part, new, salt)


def renewed_salt(part: str, salt: bytes) -> bytes:
    """Returns the salt of an event with a new half for `part`."""
    start = chain.SALT_OFFSETS[part]
    return salt[:start] + secrets.token_bytes(SALT_HALF_SIZE) + salt[start + SALT_HALF_SIZE :]


def sql_type(column: str) -> str:
    return "jsonb" if column in JSON_COLUMNS else "text"


def stored_value(column: str, value: Any) -> Any:
    """Returns the value of a column as an SQL parameter."""
    return json.dumps(value) if column in JSON_COLUMNS else value
