"""Counts a use in one statement, which returns the sum of the hour over all processes.

The statement is SQL by hand because the ORM cannot read what an upsert has written. Outside a
transaction it is a best-effort write, like that of "last seen": it waits at most 50 ms for a lock
and never for the disk. A use that could not be written is added to the next one of this process.
"""

import json
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.models import F, Value
from django.db.models.functions import Greatest

from users.database.clock import current_hour, current_time
from users.database.prepared_statements import prepared_cursor
from users.meter.limits import RoleUse, UseLimit, use_limit
from users.meter.models import HourlyUse

logger = logging.getLogger(__name__)
# The subject of uses that always count.
NO_SUBJECT = 0
# The number of people and kinds for which uses are kept in memory.
UNCOUNTED_MAX = 1000
ROLES_SQL = {
    "postgresql": """(SELECT coalesce(
        json_agg(json_build_array(role.name, usual.median, usual.deviation)), '[]')::text""",
    "sqlite": "(SELECT json_group_array(json_array(role.name, usual.median, usual.deviation))",
}
HELD_SQL = """
    FROM users_user_groups AS held
    JOIN auth_group AS role ON role.id = held.group_id
    LEFT JOIN users_rolegrant AS granted ON granted.membership_id = held.id
    LEFT JOIN users_roleusual AS usual ON usual.group_id = held.group_id AND usual.kind = %s
    WHERE held.user_id = %s AND (granted.until IS NULL OR granted.until > %s))
"""
VALUES_SQL = "VALUES (%s, %s, %s, %s, %s)"
# The settings hold until the end of the transaction, which is this statement.
SOFT_VALUES_SQL = """
    SELECT CAST(%s AS bigint), CAST(%s AS timestamptz), CAST(%s AS varchar),
        CAST(%s AS bigint), CAST(%s AS bigint)
    FROM (SELECT set_config('lock_timeout', '50ms', true),
        set_config('synchronous_commit', 'off', true)) AS soft
"""
# Above the limit the subject is stored only after it was shown. Otherwise the second of two
# simultaneous requests would repeat the first, and be answered while the first is refused.
UPSERT_SQL = """
    INSERT INTO users_hourlyuse (account_id, hour, kind, count, subject) {values}
    ON CONFLICT (account_id, hour, kind) DO UPDATE
    SET count = users_hourlyuse.count + excluded.count,
        subject = CASE WHEN users_hourlyuse.asked_at IS NULL THEN excluded.subject ELSE 0 END
    WHERE excluded.subject = 0 OR users_hourlyuse.subject <> excluded.subject
    RETURNING id, count, asked_at, reported_at, {roles},
        EXISTS (SELECT 1 FROM users_user WHERE id = %s AND owner_id IS NOT NULL)
"""


@dataclass(frozen=True)
class HourTotal:
    """The uses of one kind by a person in this hour, after the one that was just counted."""

    row_id: int
    uses: int
    asked_at: datetime | None
    reported_at: datetime | None
    allowed: UseLimit


class UncountedUses:
    """The uses that this process could not write, by person and kind."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.numbers: Counter[tuple[int, str]] = Counter()

    def keep(self, account_id: int, kind: str, number: int) -> None:
        key = (account_id, kind)
        with self.lock:
            if key in self.numbers or len(self.numbers) < UNCOUNTED_MAX:
                self.numbers[key] += number

    def take(self, account_id: int, kind: str) -> int:
        with self.lock:
            return self.numbers.pop((account_id, kind), 0)


UNCOUNTED_USES = UncountedUses()


def add_use_without_waiting(
    account_id: int, kind: str, number: int, subject: int
) -> HourTotal | None:
    """Counts a use outside of the transaction of a change. Returns None if it repeats the last
    one, or could not be written.
    """
    missed = UNCOUNTED_USES.take(account_id, kind)
    try:
        with fail_when_locked():
            total = add_use(account_id, kind, number + missed, subject)
    except DatabaseError as error:
        UNCOUNTED_USES.keep(account_id, kind, number + missed)
        logger.warning("A use of personal data was not counted yet: %s", type(error).__name__)
        return None
    if total is None and missed:
        UNCOUNTED_USES.keep(account_id, kind, missed)
    return total


def add_use(
    account_id: int, kind: str, number: int = 1, subject: int = NO_SUBJECT
) -> HourTotal | None:
    """Counts a use, in the caller's transaction if there is one. Returns None if it repeats the
    last one.
    """
    connection: Any = connections[DEFAULT_DB_ALIAS]
    adapt = connection.ops.adapt_datetimefield_value
    hour = adapt(current_hour())
    now = adapt(current_time())
    params = [account_id, hour, kind, number, subject, kind, account_id, now, account_id]
    sql = upsert_sql(connection.vendor, soft=not connection.in_atomic_block)
    with prepared_cursor(connection) as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    return hour_total(kind, row) if row else None


def upsert_sql(vendor: str, *, soft: bool) -> str:
    values = SOFT_VALUES_SQL if soft and vendor == "postgresql" else VALUES_SQL
    return UPSERT_SQL.format(values=values, roles=ROLES_SQL[vendor] + HELD_SQL)


def hour_total(kind: str, row: tuple) -> HourTotal:
    row_id, count, asked_at, reported_at, roles, is_service = row
    held = [RoleUse(*values) for values in json.loads(roles)]
    return HourTotal(
        row_id=row_id,
        uses=count,
        asked_at=parse_stored_time(asked_at),
        reported_at=parse_stored_time(reported_at),
        allowed=use_limit(kind, held, is_service=bool(is_service)),
    )


def parse_stored_time(value: Any) -> datetime | None:
    """Returns a time of a row, which SQLite stores as text in UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if value is not None and value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return value


def hour_rows(account_id: int) -> Any:
    """Returns the rows of a person in this hour, one for each kind."""
    return HourlyUse.objects.filter(account_id=account_id, hour=current_hour())


def store_shown_subject(account_id: int, kind: str, subject: int) -> None:
    """Stores what a person above the limit was shown, so that a repetition does not count."""
    try:
        hour_rows(account_id).filter(kind=kind).update(subject=subject)
    except DatabaseError as error:
        logger.warning("What was shown is counted again: %s", type(error).__name__)


def uncounted_values(number: int) -> dict[str, Any]:
    """Returns the changes of a row that uncount uses, and make their repetition count."""
    count = Greatest(F("count") - number, Value(0))
    return {"count": count, "subject": NO_SUBJECT}


@contextmanager
def fail_when_locked() -> Iterator[None]:
    """Makes SQLite fail at once while another connection writes. On PostgreSQL the statement
    itself limits its wait.
    """
    connection: Any = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    driver = connection.connection
    seconds = connection.settings_dict["OPTIONS"].get("timeout", 5)
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
