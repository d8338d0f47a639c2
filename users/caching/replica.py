"""Answers requests from a streaming replica that is recent enough, and from the primary otherwise.

The replica must have replayed what the viewer has written, and be at most REPLICA_MAX_LAG seconds
behind. Its position is read before the snapshot of the page: read inside, it could be newer than
the rows. The generations come from the snapshot of the rows, so that a cached page has the key of
its own data.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.core.signing import BadSignature
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from psycopg.errors import SerializationFailure

from users.caching import generation
from users.caching.backend import Breaker
from users.database.failures import SLOW, failure_kind
from users.database.replica import (
    ALIAS,
    POSITION_SQL,
    RequestServers,
    current_servers,
    has_replica,
    read_replica,
)
from users.web.cookie_names import host_cookie_name

# How long a request waits for the replica's position.
CHECK_SECONDS = 0.5
COOKIE_NAME = "position"
# A replica that is used has replayed everything that is older than REPLICA_MAX_LAG.
COOKIE_SECONDS = 600
# A position that no server reaches.
UNKNOWN_POSITION = 2**63 - 1
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
# Recovered, position, and seconds since the last replayed commit.
REPLAY_SQL = """
    SELECT
        pg_is_in_recovery(),
        pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint,
        extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float
"""
BREAKER = Breaker("reads", subject="The replica")


class ReplicaState(NamedTuple):
    """How far a replica is."""

    position: int
    # Seconds: no commit that is missing is older.
    lag: float


class ReplicaUnavailable(DatabaseError):
    """The server of REPLICA_URL is not a standby."""


def reads_replica(view: Callable) -> Callable:
    """Makes the GET requests of a view read from the replica, if that is recent enough.

    If the replica fails midway, the primary answers. So the view must not write.
    """

    @wraps(view)
    def wrapper(request, *args, **kwargs):
        servers = current_servers.get()
        if servers and request.method in SAFE_METHODS and request.user.is_authenticated:
            try:
                if is_recent(servers, request.user):
                    with read_replica(servers):
                        servers.generations = generation.current_generations(ALIAS)
                        return view(request, *args, **kwargs)
            except (DatabaseError, InterfaceError) as error:
                # If it was the primary's error, the primary raises it again.
                note_failure(error)
        return view(request, *args, **kwargs)

    return wrapper


def is_recent(servers: RequestServers, viewer: Any) -> bool:
    """Returns whether the replica has the viewer's writes, and all others up to the maximum lag."""
    state = replica_state(getattr(viewer, "wal_position", None))
    if state is None or state.position < servers.needed:
        return False
    return state.lag <= settings.REPLICA_MAX_LAG


def replica_state(primary_position: int | None) -> ReplicaState | None:
    """Returns the state of the replica; None while the circuit breaker is open.

    A replica that has replayed the primary's position has no lag, however long nobody has written.
    Otherwise what it lacks was committed after the last commit that it has replayed. Raises
    DatabaseError.
    """
    if not BREAKER.may_pass():
        return None
    connection: Any = connections[ALIAS]
    usual = connection.answer_seconds
    connection.set_answer_seconds(CHECK_SECONDS)
    try:
        with connection.cursor() as cursor:
            cursor.execute(REPLAY_SQL)
            is_standby, position, age = cursor.fetchone()
    finally:
        connection.set_answer_seconds(usual)
    if not is_standby:
        raise ReplicaUnavailable("The server of REPLICA_URL is not a standby.")
    BREAKER.record_success()
    if primary_position is not None and position >= primary_position:
        return ReplicaState(position, 0.0)
    return ReplicaState(position, float("inf") if age is None else max(age, 0.0))


def note_failure(error: Exception) -> bool:
    """Returns whether the replica caused the error; if so, opens the circuit breaker.

    A query that was cancelled is no reason for that: it was slow, or conflicted with WAL replay.
    """
    servers = current_servers.get()
    has_failed = connections[ALIAS].errors_occurred or (servers and servers.failed)
    if not has_failed and not isinstance(error, ReplicaUnavailable):
        return False
    is_cancelled = isinstance(error.__cause__, SerializationFailure)
    if not is_cancelled and failure_kind(error) != SLOW:
        BREAKER.record_failure(error)
    return True


def shown_lag(viewer: Any) -> int:
    """Returns the seconds by which pages from the replica are behind; 0 if they come from the
    primary.
    """
    if current_servers.get() is None:
        return 0
    try:
        state = replica_state(getattr(viewer, "wal_position", None))
    except (DatabaseError, InterfaceError) as error:
        note_failure(error)
        return 0
    is_used = state is not None and state.lag <= settings.REPLICA_MAX_LAG
    return round(state.lag) if state and is_used else 0


def replica_lag() -> float | None:
    """Returns the seconds by which the replica is behind; None without one, if it does not answer,
    and while the circuit breaker is open.

    Raises DatabaseError if the primary does not answer: an idle replica would then look late.
    """
    if not has_replica():
        return None
    position = primary_position()
    if position == UNKNOWN_POSITION:
        raise DatabaseError("The position of the primary is not known.")
    try:
        state = replica_state(position)
    except (DatabaseError, InterfaceError) as error:
        note_failure(error)
        return None
    return None if state is None else state.lag


class ReplicaMiddleware:
    """Carries the log position of a browser's writes in a signed cookie, and stores that of a
    token's.

    It stands before the session's middleware, which writes too.
    """

    def __init__(self, get_response: Callable):
        if not has_replica():
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request):
        servers = RequestServers(needed=cookie_position(request))
        token = current_servers.set(servers)
        try:
            response = self.get_response(request)
        finally:
            current_servers.reset(token)
        if servers.wrote or request.method not in SAFE_METHODS:
            remember_writes(servers, response)
        return response


def remember_writes(servers: RequestServers, response: Any) -> None:
    """Makes the next requests of the browser or the token see the writes of this one."""
    if servers.store_position:
        servers.store_position()
    else:
        store_position(response, primary_position())


def cookie_position(request) -> int:
    try:
        # Its age does not matter, and would be measured by the clocks of two hosts.
        signed = request.get_signed_cookie(host_cookie_name(COOKIE_NAME))
        return int(signed)
    except (KeyError, ValueError, BadSignature):
        return 0


def store_position(response, position: int) -> None:
    response.set_signed_cookie(
        host_cookie_name(COOKIE_NAME),
        str(position),
        max_age=COOKIE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def primary_position() -> int:
    """Returns the end of the primary's log, after all commits that have returned."""
    try:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(f"SELECT {POSITION_SQL}")
            (position,) = cursor.fetchone()
    except (DatabaseError, InterfaceError):
        return UNKNOWN_POSITION
    return UNKNOWN_POSITION if position is None else position
