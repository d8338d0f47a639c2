"""Takes words that name an erased person out of events about others. What else an event says stays,
and stays covered.

The digest of the part as it was goes on to stand in the hash, as with an erasure, and its salt
goes, so that nobody can try names against it. What is left gets a salt of its own, and its digest
is sealed with an event that says that this was done: so a later change is noticed. The database's
triggers let nothing but words go, and a neutral one come in their place.
"""

import json
import secrets
from typing import Any

from django.db import connection
from django.utils import timezone

from users.audit import chain
from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.database.erasure_rules import EVENT_PARTS, JSON_COLUMNS, SALT_HALF_SIZE

REDACTED_ACTION = "audit.redacted"
TEXT_COLUMNS = tuple(
    column for columns in EVENT_PARTS.values() for column in columns if column != "ip"
)
EVENTS_PER_RECORD = 100  # events that one event speaks for


class SystemActor:
    """Nobody in particular did it."""

    pk = None

    def __str__(self) -> str:
        return "Rollcall"


def redact_events(changes: dict[int, dict[str, Any]]) -> None:
    """`changes`: by event the new values of those of TEXTS that change. Inside a transaction."""
    ids = sorted(changes)
    for start in range(0, len(ids), EVENTS_PER_RECORD):
        some = ids[start : start + EVENTS_PER_RECORD]
        head = chain.lock_chain_head()
        chosen = AuditEvent.objects.filter(pk__in=some).order_by("pk")
        chain.seal_events(head, chosen.filter(chain_position__isnull=True))
        left = [
            (row.id, part, redact_event_part(part, row, changes[row.id]))
            for part, columns in EVENT_PARTS.items()
            for row in chain.event_rows(chosen)  # again: the first part has changed the salt
            if changes[row.id].keys() & set(columns)
        ]
        record_event(
            REDACTED_ACTION,
            actor=SystemActor(),
            after={"events": [[pk, part, digest.hex()] for pk, part, digest in left]},
        )


def redact_event_part(part: str, row: chain.EventRow, changed: dict[str, Any]) -> bytes:
    """The digest of what is left."""
    columns = [column for column in EVENT_PARTS[part] if column != "ip"]
    whole = bytes(row.chain_salt or b"")
    start = SALT_HALF_SIZE * list(EVENT_PARTS).index(part)
    salt = whole[:start] + secrets.token_bytes(SALT_HALF_SIZE) + whole[start + SALT_HALF_SIZE :]
    new = row._replace(**{column: changed[column] for column in columns if column in changed})
    values = [
        json.dumps(getattr(new, column)) if column in JSON_COLUMNS else getattr(new, column)
        for column in columns
    ]
    kinds = {column: "jsonb" if column in JSON_COLUMNS else "text" for column in columns}
    kinds |= {f"{part}_digest": "bytea", "chain_salt": "bytea", "erased_at": "timestamptz"}
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    given = {column: f"given.{column}" for column in kinds}
    chain.update_events(
        given, kinds, [(row.id, *values, chain.sealed_digest(part, row), salt, now)]
    )
    return chain.part_digest(part, new, salt)
