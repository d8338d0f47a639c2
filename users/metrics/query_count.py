"""Counts the statements that each thread sends to a database."""

import threading
from typing import Any

from django.db.backends.signals import connection_created

thread = threading.local()


def queries_so_far() -> int:
    """Returns the number of statements of this thread since its start."""
    return getattr(thread, "queries", 0)


def count_query(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    thread.queries = getattr(thread, "queries", 0) + 1
    return execute(sql, params, many, context)


def watch_connection(connection: Any, **_: object) -> None:
    """Makes a new connection count. The wrapper is the first, since others leave from the end."""
    if count_query not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, count_query)


connection_created.connect(watch_connection, dispatch_uid="users.metrics.query_count")
