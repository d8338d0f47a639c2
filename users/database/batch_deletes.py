"""Deletes rows in batches, a statement and a transaction each, so that no lock is held for long."""

import time

from django.db.models import QuerySet

BATCH_SIZE = 2000
# What is left after these seconds is deleted by the next run of the task.
RUN_SECONDS = 20


def delete_in_batches(rows: QuerySet) -> int:
    """Deletes `rows` until none is left, or for RUN_SECONDS. Returns their number."""
    deadline = time.monotonic() + RUN_SECONDS
    deleted = 0
    while time.monotonic() < deadline and (number := delete_batch(rows)):
        deleted += number
    return deleted


def delete_batch(rows: QuerySet) -> int:
    """Deletes the first BATCH_SIZE of `rows`, without signals and related rows. Returns their
    number.

    The statement has the condition of `rows` too: a row may have been renewed since it was found.
    """
    keys = list(rows.values_list("pk", flat=True)[:BATCH_SIZE])
    batch = rows.filter(pk__in=keys)
    return batch._raw_delete(batch.db) if keys else 0
