"""The database role of web and worker processes on PostgreSQL: it owns no table, so it can neither
disable a trigger nor delete an audit event.
"""

from django.db import connection
from psycopg import sql

from users.database.erasure_rules import ERASABLE_COLUMNS
from users.database.outside_record import PENDING_TABLE
from users.database.triggers import AUDIT_TABLE, CHAIN_COLUMNS

# Tables with fewer rights than SELECT, INSERT, UPDATE and DELETE.
READ_ONLY_TABLES = ("django_migrations",)
# Only triggers write it, with the rights of its owner.
HIDDEN_TABLES = (PENDING_TABLE,)
POWERS = """
    SELECT
        rolsuper, rolbypassrls OR rolcreaterole, pg_has_role(oid, current_user, 'MEMBER'),
        EXISTS (SELECT 1 FROM pg_class WHERE relowner = pg_roles.oid AND relkind IN ('r', 'p'))
    FROM pg_roles WHERE rolname = %s
"""
POWER_NAMES = (
    "is a superuser",
    "may create roles",
    "has the rights of the role that migrates",
    "owns tables",
)


def role_exists(name: str) -> bool:
    return bool(fetch_rows("SELECT 1 FROM pg_roles WHERE rolname = %s", name))


def create_role(name: str, password: str) -> None:
    """Creates a role that may sign in, without any other right."""
    attributes = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"
    statement = sql.SQL("CREATE ROLE {} " + attributes).format(sql.Identifier(name))
    if password:
        statement += sql.SQL(" PASSWORD {}").format(sql.Literal(password))
    run_statement(statement)


def excess_power(name: str) -> str:
    """Returns what makes a role unfit to serve, as a part of a sentence; "" for a fit one."""
    powers = fetch_rows(POWERS, name)[0]
    found = [text for text, has in zip(POWER_NAMES, powers, strict=True) if has]
    return found[0] if found else ""


def grant_rights(name: str) -> None:
    """Grants a role what web and worker processes need, and revokes everything else. It may be
    repeated.
    """
    role = sql.Identifier(name)
    run_statement(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
    for table in owned_tables():
        target = sql.Identifier(table)
        run_statement(sql.SQL("REVOKE ALL ON {} FROM {}").format(target, role))
        if table in HIDDEN_TABLES:
            continue
        grant = sql.SQL("GRANT {} ON {} TO {}")
        run_statement(grant.format(table_rights(table), target, role))
    run_statement(
        sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(role)
    )


def table_rights(table: str) -> sql.Composable:
    """Returns the rights on a table. Of audit events, only the columns that the trigger lets change
    may be updated.
    """
    if table in READ_ONLY_TABLES:
        return sql.SQL("SELECT")
    if table == AUDIT_TABLE:
        names = dict.fromkeys((*CHAIN_COLUMNS, *ERASABLE_COLUMNS))
        columns = map(sql.Identifier, names)
        listed = sql.SQL(", ").join(columns)
        return sql.SQL("SELECT, INSERT, UPDATE ({})").format(listed)
    return sql.SQL("SELECT, INSERT, UPDATE, DELETE")


def owned_tables() -> list[str]:
    """Returns the tables of the current role."""
    rows = fetch_rows(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user "
        "ORDER BY tablename"
    )
    return [name for (name,) in rows]


def fetch_rows(query: str, *parameters: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


def run_statement(statement: sql.Composable) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement.as_string(cursor.connection))
