"""Reads events one by one where one of them can't be read: somebody has stored in the database what
Rollcall does not write.
"""

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

from django.db import DataError
from django.db.models import QuerySet

from users.audit.models import AuditEvent

logger = logging.getLogger(__name__)
# What reading raises for a time such as "infinity", or for JSON with too many digits or levels.
UNREADABLE = (DataError, OverflowError, RecursionError, ValueError)
Row = TypeVar("Row")
Events = QuerySet[AuditEvent]
ReadRows = Callable[[Events], list[Row]]


def unreadable_ids(events: Events, read_rows: ReadRows[Row], error: Exception) -> set[int]:
    """Returns the IDs of those events that can't be read, which are logged. Raises `error` if there
    are none.
    """
    found = {pk for pk, rows in rows_by_event(events, read_rows) if not rows}
    if not found:
        raise error
    for pk in sorted(found):
        logger.error("Audit event %s can’t be read, so it is not sealed", pk)
    return found


def rows_until_unreadable(events: Events, read_rows: ReadRows[Row]) -> list[Row]:
    """Returns the rows of events up to the first that can't be read. Raises what its reading raises
    if there is none before it.
    """
    try:
        return read_rows(events)
    except UNREADABLE:
        rows: list[Row] = []
        for _, found in rows_by_event(events, read_rows):
            if not found:
                break
            rows += found
        if not rows:
            raise
        return rows


def rows_by_event(
    events: Events,
    read_rows: ReadRows[Row],
) -> Iterator[tuple[int, list[Row]]]:
    """Yields the ID of each event with its row, or with none if it can't be read."""
    for pk in events.values_list("pk", flat=True):
        try:
            yield pk, read_rows(AuditEvent.objects.filter(pk=pk))
        except UNREADABLE:
            yield pk, []
