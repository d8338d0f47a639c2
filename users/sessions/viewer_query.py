"""Loads the viewer: account, permissions, session row and the generations, all in one query."""

from functools import cache
from typing import Any

from django.core.cache import caches
from django.db import connections, router
from django.utils import timezone

from users import access
from users.caching import generation
from users.caching.generation import ROLES
from users.database import prepared_statements
from users.models import User
from users.sessions.models import Session

VALID_SESSION = "users_session.session_key = %s AND users_session.expire_date > %s"
FROM_ACCOUNT = f"users_user LEFT JOIN users_session ON {VALID_SESSION} WHERE users_user.id = %s"
FROM_SESSION = (
    "users_session LEFT JOIN users_user ON users_user.id = users_session.account_id "
    f"WHERE {VALID_SESSION}"
)
FIELDS = User._meta.concrete_fields
NAMES = [field.attname for field in FIELDS]
ID_INDEX = NAMES.index("id")
PERMISSIONS_TIMEOUT = 3600  # seconds


def load_viewer(pk: int, session_key: str = "") -> Any:
    """The account with its permissions filled in, and as attributes `session`, the text of the
    session's row (None where it has ended), `session_used_at` and `generations`. None where there
    is no such account.
    """
    row = read_viewer_row(FROM_ACCOUNT, session_key, pk)
    return viewer_from_row(row) if row else None


def load_viewer_by_session(session_key: str | None) -> tuple[str, Any] | None:
    """Returns the session's data as text and its account as `load_viewer` does (None if nobody is
    signed in). Returns None if there is no such session.
    """
    row = read_viewer_row(FROM_SESSION, session_key)
    return (row[len(NAMES) + 1], viewer_from_row(row) if row[ID_INDEX] else None) if row else None


def read_viewer_row(source: str, session_key: str | None, *more: int) -> tuple | None:
    """Reads the row with handwritten SQL: the ORM takes longer to compile this query than the
    database to answer it.
    """
    connection = connections[router.db_for_read(User)]
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with prepared_statements.prepared_cursor(connection) as cursor:
        cursor.execute(viewer_sql(connection.vendor, source), [session_key, now, *more])
        return cursor.fetchone()


def viewer_from_row(row: tuple) -> Any:
    alias = router.db_for_read(User)
    compiler, converters = row_converters(alias)
    (values,) = compiler.apply_converters([row], converters)
    account: Any = User.from_db(alias, NAMES, values[: len(NAMES)])
    account.session_used_at, account.session, account.generations = values[len(NAMES) :]
    if not account.is_superuser:
        account._perm_cache = cached_permissions(account)
    return account


@cache
def viewer_sql(vendor: str, source: str) -> str:
    columns = ", ".join(f'users_user."{field.column}"' for field in FIELDS)
    session = "users_session.last_used_at, users_session.session_data"
    generations = generation.GENERATIONS_SQL[vendor]
    return f"SELECT {columns}, {session}, {generations} FROM {source}"  # noqa: S608  constants


@cache
def row_converters(alias: str) -> tuple[Any, dict]:
    """Returns the compiler and the converters from database values to field values."""
    compiler = User.objects.using(alias).query.get_compiler(alias)
    fields = [*FIELDS, Session._meta.get_field("last_used_at")]
    return compiler, compiler.get_converters(
        [field.get_col(field.model._meta.db_table) for field in fields]
    )


def cached_permissions(account: Any) -> set[str]:
    """The permissions of the account's groups and its own. A superuser has them all, and is not
    asked about.
    """
    key = f"rights:{generation.parse_generations(account.generations)[ROLES]}:{account.pk}"
    held = caches["pages"].get(key)
    if held is None:
        held = sorted(access.stored_permissions(account))
        caches["pages"].set(key, held, PERMISSIONS_TIMEOUT)
    return set(held)
