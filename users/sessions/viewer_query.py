"""Loads the viewer in one query: account, permissions, session row, the grace period of the second
factor, the last uses of personal data and the generations.
"""

from functools import cache
from typing import Any

from django.core.cache import caches
from django.db import connections, router
from django.db.models import Min

from users import access
from users.caching import generation
from users.caching.generation import ROLES
from users.database import prepared_statements
from users.database.clock import current_hour, current_time
from users.database.replica import position_sql
from users.models import User
from users.role_grants import groups_in_effect, next_end
from users.role_models import RoleSettings
from users.sessions.models import GracePeriod, Session

VALID_SESSION = "users_session.session_key = %s AND users_session.expire_date > %s"
FROM_ACCOUNT = f"users_user LEFT JOIN users_session ON {VALID_SESSION} WHERE users_user.id = %s"
FROM_SESSION = (
    "users_session LEFT JOIN users_user ON users_user.id = users_session.account_id "
    f"WHERE {VALID_SESSION}"
)
# A row exists for staff without a second factor, and for those who have had one.
GRACE_SQL = (
    "(SELECT started_at FROM users_graceperiod WHERE users_graceperiod.account_id = users_user.id)"
)
# The last subject of each kind in this hour, which users/meter then needs no query for.
LAST_USES_SQL = {
    "postgresql": "(SELECT string_agg(kind || ':' || subject, ' ')",
    "sqlite": "(SELECT group_concat(kind || ':' || subject, ' ')",
}
USES_OF_HOUR = "FROM users_hourlyuse WHERE account_id = users_user.id AND hour = %s)"
FIELDS = User._meta.concrete_fields
NAMES = [field.attname for field in FIELDS]
ID_INDEX = NAMES.index("id")
SESSION_INDEX = len(NAMES) + 3
PERMISSIONS_SECONDS = 3600
SUDO_SECONDS = 300


def load_viewer(pk: int, session_key: str = "") -> Any:
    """Returns the account with its permissions, or None if there is none with this ID.

    It has more attributes: `session`, the session_data of the row (None if the session has ended),
    `session_used_at`, `session_public_id`, `grace_started_at`, `last_uses` (users/meter/checks.py),
    `generations` and `wal_position` (users/database/replica.py).
    """
    row = read_viewer_row(FROM_ACCOUNT, session_key, pk)
    return viewer_from_row(row) if row else None


def load_viewer_by_session(session_key: str | None) -> tuple[str, Any] | None:
    """Returns the session_data of a session and its account, or None if there is no such session.

    The account is like that of `load_viewer`, or None if nobody is signed in.
    """
    row = read_viewer_row(FROM_SESSION, session_key)
    if row is None:
        return None
    account = viewer_from_row(row) if row[ID_INDEX] else None
    return row[SESSION_INDEX], account


def read_viewer_row(source: str, session_key: str | None, *more: int) -> tuple | None:
    """Returns the row of the viewer, read with handwritten SQL.

    The ORM takes longer to compile this query than the database to answer it.
    """
    connection = connections[router.db_for_read(User)]

    def read_row() -> tuple | None:
        with prepared_statements.prepared_cursor(connection) as cursor:
            adapt = connection.ops.adapt_datetimefield_value
            # Opening the connection has compared the clocks.
            now = adapt(current_time())
            hour = adapt(current_hour())
            position = position_sql(connection.vendor)
            sql = viewer_sql(connection.vendor, source, position)
            cursor.execute(sql, [hour, session_key, now, *more])
            return cursor.fetchone()

    return prepared_statements.run_first_read(connection, read_row)


def viewer_from_row(row: tuple) -> Any:
    alias = router.db_for_read(User)
    compiler, converters = row_converters(alias)
    (values,) = compiler.apply_converters([row], converters)
    account: Any = User.from_db(alias, NAMES, values[: len(NAMES)])
    more = values[len(NAMES) :]
    account.session_used_at, account.session_public_id, *others = more
    account.grace_started_at, account.session, *others = others
    account.last_uses, account.generations, account.wal_position = others
    if not account.is_superuser:
        account._perm_cache = cached_permissions(account)
    return account


@cache
def viewer_sql(vendor: str, source: str, position: str) -> str:
    columns = ", ".join(f'users_user."{field.column}"' for field in FIELDS)
    used = "users_session.last_used_at, users_session.public_id"
    session = f"{used}, {GRACE_SQL}, users_session.session_data"
    last_uses = f"{LAST_USES_SQL[vendor]} {USES_OF_HOUR}"
    generations = generation.GENERATIONS_SQL[vendor]
    more = f"{session}, {last_uses}, {generations}, {position}"
    return f"SELECT {columns}, {more} FROM {source}"  # noqa: S608  constants


@cache
def row_converters(alias: str) -> tuple[Any, dict]:
    """Returns the compiler and the converters from database values to field values."""
    compiler = User.objects.using(alias).query.get_compiler(alias)
    more: list[Any] = [
        Session._meta.get_field("last_used_at"),
        Session._meta.get_field("public_id"),
        GracePeriod._meta.get_field("started_at"),
    ]
    fields = [*FIELDS, *more]
    return compiler, compiler.get_converters(
        [field.get_col(field.model._meta.db_table) for field in fields]
    )


def cache_seconds(account_id: int) -> int:
    """Returns how long permissions may be cached: until the next role of the account ends, which
    raises no generation.
    """
    end = next_end(account_id)
    if end is None:
        return PERMISSIONS_SECONDS
    return min(int((end - current_time()).total_seconds()), PERMISSIONS_SECONDS)


def cached_permissions(account: Any) -> set[str]:
    """Returns the permissions of the account's groups and its own, from the cache if possible."""
    key = f"rights:{roles_key(account)}"
    permissions = caches["pages"].get(key)
    if permissions is None:
        seconds = cache_seconds(account.pk)
        permissions = sorted(access.stored_permissions(account))
        caches["pages"].set(key, permissions, seconds)
    return set(permissions)


def role_sudo_minutes(account: Any) -> int | None:
    """Returns the shortest time of the account's roles for which a confirmed identity counts; None
    without one. It is cached for the viewer, like permissions, so that pages need no query.
    """
    if not hasattr(account, "generations"):
        return shortest_sudo_minutes(account.pk)
    key = f"sudo:{roles_key(account)}"
    cached: list[int | None] | None = caches["pages"].get(key)
    if cached is None:
        # In a list, because the cache returns None for what it does not have. A role that has ended
        # may count for this long.
        cached = [shortest_sudo_minutes(account.pk)]
        caches["pages"].set(key, cached, SUDO_SECONDS)
    return cached[0]


def roles_key(account: Any) -> str:
    """Returns the part of a key of the cache that changes with the roles of the viewer."""
    roles = generation.parse_generations(account.generations)[ROLES]
    return f"{roles}:{account.pk}"


def shortest_sudo_minutes(account_id: int) -> int | None:
    own = RoleSettings.objects.filter(group__in=groups_in_effect(account_id))
    minutes: int | None = own.aggregate(minutes=Min("sudo_minutes"))["minutes"]
    return minutes
