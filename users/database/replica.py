"""Which server answers a query: the primary, or the streaming replica for the reads of some pages.

A page reads from the replica only inside of `read_replica`. All other queries, writes and locks use
the primary. docs/scaling.md describes what a page from the replica may miss.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction

ALIAS = "replica"
# Models of these apps can be read from the replica.
READ_APPS = {"users", "auth"}
# These decide about the present moment, and are read from the primary.
PRIMARY_MODELS = {"session", "webprocess", "workerbeat", "hourlyuse"}
# The end of the write-ahead log as a number. A commit that has returned is before it, even one that
# is not flushed yet (synchronous_commit=off), which pg_current_wal_lsn() would miss. NULL on a
# standby, where the function fails.
POSITION_SQL = (
    "(CASE WHEN pg_is_in_recovery() THEN NULL "
    "ELSE pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint END)"
)


@dataclass
class RequestServers:
    """The servers of a request: which one answers now, and which log position it needs."""

    # The log position that the viewer's earlier writes have reached.
    needed: int = 0
    # Whether the request has written, or shown what a worker has written.
    wrote: bool = False
    # Whether queries are sent to the replica now.
    reading: bool = False
    # Whether the replica has failed; Django forgets it when it ends the transaction.
    failed: bool = False
    # The generations of the replica's snapshot while `reading`.
    generations: Any = None
    # Stores how far the writes of the request have reached, in place of the cookie of a browser.
    store_position: Callable[[], None] | None = None


current_servers: ContextVar[RequestServers | None] = ContextVar("servers", default=None)


class ReplicaRouter:
    """Django's database router, installed by REPLICA_URL."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        servers = current_servers.get()
        if servers is None or not servers.reading or not may_read(model):
            return DEFAULT_DB_ALIAS
        # The viewer was read from the primary, and so are their groups.
        state = getattr(hints.get("instance"), "_state", None)
        return DEFAULT_DB_ALIAS if state and state.db == DEFAULT_DB_ALIAS else ALIAS

    def db_for_write(self, model: Any, **hints: Any) -> str:
        if model._meta.app_label in READ_APPS:
            note_write()
        return DEFAULT_DB_ALIAS

    def allow_relation(self, *objects: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, database: str, app_label: str, **hints: Any) -> bool:
        return database != ALIAS


def may_read(model: Any) -> bool:
    meta = model._meta
    return meta.app_label in READ_APPS and meta.model_name not in PRIMARY_MODELS


def has_replica() -> bool:
    return ALIAS in connections.settings


def position_sql(vendor: str) -> str:
    """Returns SQL of the primary's log position, or of NULL if nobody asks for it."""
    return POSITION_SQL if vendor == "postgresql" and has_replica() else "NULL"


def note_write() -> None:
    """Makes the next requests of this browser see at least what the primary has now."""
    if servers := current_servers.get():
        servers.wrote = True


@contextmanager
def read_replica(servers: RequestServers) -> Iterator[None]:
    """Sends the reads of the block to the replica, all in one snapshot (REPEATABLE READ)."""
    with transaction.atomic(using=ALIAS):
        servers.reading = True
        try:
            yield
        finally:
            servers.failed = connections[ALIAS].errors_occurred
            servers.reading = False
            servers.generations = None
