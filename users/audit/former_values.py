"""The former values of accounts: usernames, addresses, names and phone numbers that were replaced.

A row is stored in the transaction of the event that records the change. It holds only the end of
the value's time: that began with the row before it of the same account and field.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, NamedTuple

from django.db import connection, models
from django.db.models import F, Q

from users.database.prepared_statements import prepared_cursor
from users.fields import TRACED_FIELDS
from users.search_keys import build_search_key

# The name of events about an account begins with this.
ACCOUNT_ACTIONS = "account."
TRACED_SET = frozenset(TRACED_FIELDS)
DIGEST_BYTES = 8
# The time and the account come from the stored event. A row that exists already stays.
INSERT_POSTGRESQL = """
    INSERT INTO users_formervalue (event_id, field, key, digest, account_id, until)
    SELECT event_id, field, key, digest, event.target_id, event.at
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[])
        AS given (event_id, field, key, digest)
    JOIN users_auditevent AS event ON event.id = given.event_id
    ON CONFLICT DO NOTHING
"""
INSERT_SQLITE = """
    INSERT INTO users_formervalue (event_id, field, key, digest, account_id, until)
    SELECT id, %s, %s, %s, target_id, at FROM users_auditevent WHERE id = %s
    ON CONFLICT DO NOTHING
"""


class FormerValue(models.Model):
    """A value that an account had until an event. An empty one shows when the next one began."""

    pk = models.CompositePrimaryKey("event_id", "field")
    event_id = models.BigIntegerField(help_text="The audit event that replaced the value")
    field = models.CharField(max_length=20)
    account_id = models.BigIntegerField()
    until = models.DateTimeField()
    key = models.TextField(blank=True, help_text="The value as in the search key of an account")
    digest = models.BigIntegerField(
        null=True, help_text="Digest of the first line of `key`; null for an empty value"
    )

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["account_id", "field", "-event_id"], name="former_by_account"),
            models.Index(
                fields=["digest", "-event_id"],
                name="former_by_digest",
                condition=Q(digest__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.field} of account {self.account_id}"


class FormerValuePosition(models.Model):
    """How far events have been read for values that were not recorded with them, one row."""

    event_id = models.BigIntegerField(default=0)
    # Written only when values were found: that raises the generation of the accounts.
    found = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"event {self.event_id}"


class ReplacedValue(NamedTuple):
    """A row of the table, without what the event knows."""

    event_id: int
    field: str
    key: str
    digest: int | None


def record_former_values(events: Iterable[Any]) -> int:
    """Stores the values that stored `events` replace, and returns the number of new rows.

    Statements that insert events by SQL need not call it: a task finds what is missing
    (users/audit/former_backfill.py).
    """
    found = [value for event in events for value in replaced_values(event)]
    if not found:
        return 0
    with prepared_cursor(connection) as cursor:
        if connection.vendor == "postgresql":
            columns = [list(column) for column in zip(*found, strict=True)]
            cursor.execute(INSERT_POSTGRESQL, columns)
        else:
            rows = [(row.field, row.key, row.digest, row.event_id) for row in found]
            cursor.executemany(INSERT_SQLITE, rows)
        return cursor.rowcount


def replaced_values(event: Any) -> Iterator[ReplacedValue]:
    """Yields the values of TRACED_FIELDS that a stored event replaces."""
    if event.target_id is None or not event.action.startswith(ACCOUNT_ACTIONS):
        return
    for field in event.before.keys() & event.after.keys() & TRACED_SET:
        value = event.before[field]
        if isinstance(value, str) and value != event.after[field]:
            key = build_search_key(**{field: value})
            digest = key_digest(key) if key else None
            yield ReplacedValue(event.pk, field, key, digest)


def key_digest(key: str) -> int:
    """Returns the digest of the first line of a key as a signed number of 64 bits."""
    line = key.partition("\n")[0]
    digest = sha256(line.encode()).digest()[:DIGEST_BYTES]
    return int.from_bytes(digest, "big", signed=True)


def blank_former_values(event_ids: Iterable[int]) -> None:
    """Removes the values that these events replaced. Their rows still show when others began."""
    rows = FormerValue.objects.filter(event_id__among=event_ids, digest__isnull=False)
    if rows.update(key="", digest=None):
        # Raises the generation of the accounts.
        FormerValuePosition.objects.filter(pk=1).update(found=F("found"))


def delete_former_values(account_id: int) -> None:
    """Deletes the former values of an account."""
    FormerValue.objects.filter(account_id=account_id).delete()
