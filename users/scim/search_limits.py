"""Bounds what a search may cost: the rows that are counted, and its time.

An index serves each accepted filter, but not each combination for each source: a part of a name
that half of its accounts have, or a state that hardly any has, may still read all of them.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection
from scim2_models import TooManyException

from users.database.local_settings import set_local_settings
from users.models import UserQuerySet

COUNTED_RESULTS = 10_000
SEARCH_TIMEOUT_MS = 2_000
QUERY_CANCELLED = "57014"
TOO_LONG = (
    "This search takes too long. Narrow the filter, for example by userName, address or time of"
    " change."
)


@contextmanager
def limit_search_time() -> Iterator[None]:
    """Raises TooManyException if a statement of the block takes too long on PostgreSQL. The limit
    lasts until the end of the transaction, so the block must be its last part.
    """
    set_local_settings({"statement_timeout": str(SEARCH_TIMEOUT_MS)})
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != QUERY_CANCELLED:
            raise
        raise TooManyException(detail=TOO_LONG) from error


def count_results(found: UserQuerySet) -> int:
    """Returns the number of accounts, exact up to COUNTED_RESULTS. A higher one is
    PostgreSQL's estimate, which is never below the last startIndex that is served.
    """
    counted = found.order_by().values("pk")[: COUNTED_RESULTS + 1].count()
    if counted <= COUNTED_RESULTS:
        return counted
    return max(counted, estimate_results(found))


def estimate_results(found: UserQuerySet) -> int:
    """Returns the planner's estimate; on SQLite, which has none, the exact number."""
    if connection.vendor != "postgresql":
        return found.count()
    (plan,) = json.loads(found.order_by().explain(format="json"))
    return int(plan["Plan"]["Plan Rows"])
