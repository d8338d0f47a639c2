"""Reads former values with their accounts and times.

The statements are written by hand, because no foreign key connects the tables: events and former
values outlive each other.
"""

# ruff: noqa: S608  the statements contain only constants and the SQL of callers

import json
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections, router

from users.audit.former_values import FormerValue, key_digest
from users.database.prepared_statements import SqlWithParams
from users.email_addresses import identifier_key
from users.fields import TRACED_FIELDS, field_label, label_in_text
from users.identifiers import LARGEST_ID, normalise_search_text
from users.models import User
from users.phone_numbers import normalise_phone

FORMER_COLUMNS = "event_id, field, account_id, until, key"
# {found}: a SELECT of FORMER_COLUMNS.
ROWS_SQL = """
    SELECT former.event_id, former.field, former.account_id, former.until, former.key, (
            SELECT CAST(event.before AS text) FROM users_auditevent AS event
            WHERE event.id = former.event_id
        ), (
            SELECT earlier.until FROM users_formervalue AS earlier
            WHERE earlier.account_id = former.account_id AND earlier.field = former.field
                AND earlier.event_id < former.event_id
            ORDER BY earlier.event_id DESC LIMIT 1
        ), account.username, account.first_name, account.last_name, account.date_joined
    FROM ({found}) AS former
    JOIN users_user AS account ON account.id = former.account_id
    {condition}
    ORDER BY former.event_id DESC, former.field LIMIT %s
"""
# With "=", PostgreSQL may read the whole table backwards if all matching rows are old.
DIGEST_CONDITIONS = {
    "postgresql": "digest BETWEEN %s AND %s",
    "sqlite": "digest = %s AND digest = %s",
}


@dataclass(frozen=True)
class FormerRow:
    """A former value of an account. `since`: None if it was the first one that is known."""

    event_id: int
    field: str
    account_id: int
    until: datetime
    key: str
    value: str
    since: datetime | None
    account_name: str
    joined: datetime

    @property
    def label(self) -> str:
        return field_label(self.field)

    @property
    def text_label(self) -> str:
        """The label of the field inside of a sentence."""
        return label_in_text(self.field)


def former_holders(
    digests: Collection[int], *, limit: int, below: int = 0, fields: Collection[str] = ()
) -> list[FormerRow]:
    """Returns the newest rows whose value has one of the `digests`.

    `below`: only those of events with lower ids. `fields`: only these; all without any.
    """
    vendor = connections[read_database()].vendor
    condition = f"{DIGEST_CONDITIONS[vendor]} AND event_id < %s"
    params: list[Any] = []
    if fields:
        condition += f" AND field IN ({', '.join(['%s'] * len(fields))})"
    for digest in digests:
        params += [digest, digest, below or LARGEST_ID, *fields, limit]
    order = "digest, event_id DESC"
    branch = f"SELECT {FORMER_COLUMNS} FROM users_formervalue WHERE {condition} ORDER BY {order}"
    found = union_all([f"{branch} LIMIT %s"] * len(digests))
    return read_former_rows((found, tuple(params)), limit) if digests else []


def former_values_of(account_id: int, *, limit: int) -> list[FormerRow]:
    """Returns the newest former values of an account, without empty ones."""
    branch = (
        f"SELECT {FORMER_COLUMNS} FROM users_formervalue WHERE account_id = %s AND field = %s"
        " AND digest IS NOT NULL ORDER BY account_id, field, event_id DESC LIMIT %s"
    )
    params: list[Any] = []
    for field in TRACED_FIELDS:
        params += [account_id, field, limit]
    return read_former_rows((union_all([branch] * len(TRACED_FIELDS)), tuple(params)), limit)


def union_all(branches: list[str]) -> str:
    parts = [f"SELECT * FROM ({sql}) AS branch{number}" for number, sql in enumerate(branches)]
    return " UNION ALL ".join(parts)


def read_former_rows(
    found: SqlWithParams, limit: int, condition: SqlWithParams = ("", ())
) -> list[FormerRow]:
    """Returns the newest of the `found` rows.

    `condition`: a WHERE clause over former and account.
    """
    found_sql, found_params = found
    condition_sql, condition_params = condition
    statement = ROWS_SQL.format(found=found_sql, condition=condition_sql)
    with connections[read_database()].cursor() as cursor:
        cursor.execute(statement, (*found_params, *condition_params, limit))
        return [build_row(values) for values in cursor.fetchall()]


def read_database() -> str:
    return router.db_for_read(FormerValue)


def build_row(values: Sequence[Any]) -> FormerRow:
    """Returns the row of the columns that ROWS_SQL selects."""
    event_id, field, account_id, until, key, before, since, *names, joined = values
    username, first_name, last_name = names
    account = User(
        username=username,
        first_name=first_name,
        last_name=last_name,
    )
    return FormerRow(
        event_id=event_id,
        field=field,
        account_id=account_id,
        until=utc_time(until),
        key=key,
        value=recorded_value(before, field) or key.partition("\n")[0],
        since=utc_time(since) if since else None,
        account_name=account.display_name,
        joined=utc_time(joined),
    )


def recorded_value(before: str | None, field: str) -> str:
    """Returns the value as the event has it; "" if the event is gone or has lost it."""
    value = json.loads(before or "{}").get(field)
    return value if isinstance(value, str) else ""


def utc_time(value: Any) -> datetime:
    """Returns an aware datetime. SQLite returns times in UTC, as text or without a zone."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def value_digests(text: str) -> list[int]:
    """Returns the digests that a value which was typed as `text` may have."""
    forms = [text, identifier_key(text)]
    if text.startswith(("+", "0")):
        with suppress(ValidationError):
            forms.append(normalise_phone(text))
    keys = filter(None, map(normalise_search_text, forms))
    return [key_digest(key) for key in dict.fromkeys(keys)]
