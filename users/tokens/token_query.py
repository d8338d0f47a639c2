"""Loads the token of a request with handwritten SQL, since each request of a program does it first.

On PostgreSQL one statement finds the token, counts the request, and loads the holder and what the
holder has read last (docs/benchmarks.md says what that saves). The ORM takes longer to compile the
queries than the database to answer them, and each round trip costs as much as a cached list.
"""

from functools import cache
from typing import Any

from django.db import connections, router

from users.database.clock import current_hour, current_time
from users.database.prepared_statements import prepared_cursor, run_first_read
from users.database.replica import position_sql
from users.models import User
from users.service_owners import may_own_services
from users.sessions.viewer_query import viewer_from_row, viewer_sql
from users.tokens.models import ApiToken
from users.tokens.throttle import COUNT_SQL, INSERT_SQL, current_minute

FIELDS = ApiToken._meta.concrete_fields
NAMES = [field.attname for field in FIELDS]
COLUMNS = ", ".join(f'"{field.column}"' for field in FIELDS)
TOKEN_SQL = f"SELECT {COLUMNS} FROM users_apitoken WHERE digest = %s"  # noqa: S608  constants
# What decides whether the owner of a service account is active staff.
OWNER_NAMES = ("status", "suspended_until", "valid_until", "is_staff", "owner_id")
OWNER_COLUMNS = ", ".join(f"owner.{name}" for name in OWNER_NAMES)
HOLDER_SOURCE = "users_user LEFT JOIN users_session ON false WHERE users_user.id = token.holder_id"
# A token with networks is counted after its address was checked, so that a thief elsewhere can't
# use up its rate.
USE_SQL = """
WITH token AS MATERIALIZED ({token}),
setting AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
counted AS (
    {insertion} SELECT token.id, %s, 1 FROM token, setting
    WHERE token.revoked_at IS NULL AND token.ends_at > %s AND token.networks = '[]'::jsonb
    {count}
)
SELECT token.*, counted.used, counted.position, {owner}, holder.*
FROM token LEFT JOIN counted ON true LEFT JOIN LATERAL ({holder}) AS holder ON true
LEFT JOIN users_user AS owner ON owner.id = holder.owner_id
"""


def load_token(digest: bytes) -> ApiToken | None:
    """Returns the token with this digest as stored; None if there is none."""
    alias = router.db_for_read(ApiToken)
    is_one_statement = connections[alias].vendor == "postgresql"
    return load_token_use(alias, digest) if is_one_statement else load_token_row(alias, digest)


def load_token_use(alias: str, digest: bytes) -> ApiToken | None:
    """Returns the token with its holder, after counting the request."""
    connection = connections[alias]

    def read_row() -> tuple | None:
        with prepared_cursor(connection) as cursor:
            # Opening the connection compares the clocks.
            now = current_time()
            moments = (current_minute(), now, current_hour())
            minute, moment, hour = map(connection.ops.adapt_datetimefield_value, moments)
            sql = use_sql(position_sql(connection.vendor))
            cursor.execute(sql, [digest, minute, moment, hour])
            return cursor.fetchone()

    row = run_first_read(connection, read_row)
    if row is None:
        return None
    token = token_from_row(alias, row[: len(NAMES)])
    used, position, *holder = row[len(NAMES) :]
    token.used_requests = used or 0
    token.write_position = position or 0
    owner, viewer = holder[: len(OWNER_NAMES)], holder[len(OWNER_NAMES) :]
    if viewer[0] is not None:
        token.loaded_holder = viewer_from_row(tuple(viewer))
        token.loaded_holder.known_active_owner = is_active_owner(owner)
    return token


def is_active_owner(values: list[Any]) -> bool:
    """Returns whether the owner of the holder may own it now. `values`: those of OWNER_NAMES."""
    owner = dict(zip(OWNER_NAMES, values, strict=True))
    # Without an owner all of them are null.
    return owner["status"] is not None and may_own_services(User(**owner))


@cache
def use_sql(position: str) -> str:
    return USE_SQL.format(
        token=TOKEN_SQL,
        insertion=INSERT_SQL,
        owner=OWNER_COLUMNS,
        count=COUNT_SQL,
        holder=viewer_sql("postgresql", HOLDER_SOURCE, position),
    )


def load_token_row(alias: str, digest: bytes) -> ApiToken | None:
    connection = connections[alias]
    with prepared_cursor(connection) as cursor:
        cursor.execute(TOKEN_SQL, [digest])
        row = cursor.fetchone()
    return None if row is None else token_from_row(alias, row)


def token_from_row(alias: str, row: tuple) -> ApiToken:
    compiler, converters = token_converters(alias)
    (values,) = compiler.apply_converters([row], converters)
    return ApiToken.from_db(alias, NAMES, values)


@cache
def token_converters(alias: str) -> tuple[Any, dict]:
    """Returns the compiler and the converters from database values to field values."""
    compiler = ApiToken.objects.using(alias).query.get_compiler(alias)
    table = ApiToken._meta.db_table
    columns = [field.get_col(table) for field in FIELDS]
    return compiler, compiler.get_converters(columns)
