"""Counts the events that match a filter: exactly up to a cap, and a lower bound beyond it."""

import time
from dataclasses import dataclass

from django.db import connections, router

from users.audit.models import AuditEvent
from users.audit.trail.block_sql import candidate_blocks, events_in_blocks
from users.audit.trail.blocks import BLOCK_SIZE
from users.audit.trail.filter import Position, TrailFilter
from users.audit.trail.finder import IdRange, TrailFinder, newest_id

TRAIL_COUNT_CAP = 10_000
# Blocks whose events are compared.
COUNT_BLOCKS = 400
# For an exact count, which may read all blocks.
COUNT_SECONDS = 10
ROWS_SQL = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'users_auditevent'::regclass"


class SlowCount(Exception):
    """Counting takes longer than COUNT_SECONDS."""


@dataclass(frozen=True)
class EventCount:
    """A number of events."""

    number: int
    # Whether `number` is a lower bound.
    is_capped: bool = False
    # An estimate if `is_capped`; 0 if there is none.
    estimate: int = 0


def count_events(wanted: TrailFilter) -> EventCount:
    """Returns the number of matching events, at a bounded cost on PostgreSQL."""
    finder = TrailFinder(wanted, Position(), TRAIL_COUNT_CAP)
    ids = finder.ids
    if ids.is_empty:
        return EventCount(0)
    if finder.is_exact or connections[finder.database].vendor != "postgresql":
        number = finder.compared_events(ids).values("pk")[: TRAIL_COUNT_CAP + 1].count()
        return bounded_count(number, 0 if wanted else estimate_events())
    return count_in_blocks(wanted, ids)


def count_in_blocks(wanted: TrailFilter, ids: IdRange) -> EventCount:
    """Counts the matching events of the newest blocks that have the tokens of all filters."""
    numbers = candidate_blocks(
        wanted.tokens(),
        ids.low + 1,
        ids.high - 1,
        is_descending=True,
        limit=COUNT_BLOCKS + 1,
    )
    found = events_in_blocks(
        numbers[:COUNT_BLOCKS],
        [*wanted.conditions(), ids.condition],
        is_descending=True,
        limit=TRAIL_COUNT_CAP + 1,
    )
    if len(numbers) > COUNT_BLOCKS and len(found) <= TRAIL_COUNT_CAP:
        return EventCount(len(found), is_capped=True)
    return bounded_count(len(found), 0)


def exact_count(wanted: TrailFilter, limit: int, newest: int) -> int:
    """Returns the number of matching events up to the ID `newest`, at most `limit`, however many
    blocks have to be read. Raises SlowCount.
    """
    deadline = time.monotonic() + COUNT_SECONDS
    finder = TrailFinder(wanted, Position(after=newest + 1), limit)
    ids = finder.ids
    if finder.is_exact or connections[finder.database].vendor != "postgresql":
        return finder.compared_events(ids).values("pk")[:limit].count()
    number = 0
    high = ids.high
    while number < limit and high - ids.low > 1:
        if time.monotonic() > deadline:
            raise SlowCount
        numbers = candidate_blocks(
            wanted.tokens(),
            ids.low + 1,
            high - 1,
            is_descending=True,
            limit=COUNT_BLOCKS,
        )
        conditions = [*wanted.conditions(), IdRange(ids.low, high).condition]
        number += len(
            events_in_blocks(numbers, conditions, is_descending=True, limit=limit - number)
        )
        if len(numbers) < COUNT_BLOCKS:
            break
        high = numbers[-1] * BLOCK_SIZE
    return number


def bounded_count(number: int, estimate: int) -> EventCount:
    if number <= TRAIL_COUNT_CAP:
        return EventCount(number)
    return EventCount(
        TRAIL_COUNT_CAP,
        is_capped=True,
        estimate=estimate,
    )


def estimate_events() -> int:
    """Returns about how many events there are."""
    connection = connections[router.db_for_read(AuditEvent)]
    if connection.vendor != "postgresql":
        return newest_id()
    with connection.cursor() as cursor:
        cursor.execute(ROWS_SQL)
        return max(0, cursor.fetchone()[0])
