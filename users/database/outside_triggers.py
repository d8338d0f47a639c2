"""Triggers on the accounts that record changes made outside Rollcall: with psql, by another
application, or by code that forgets the event.

A change declares itself by its event: one about the same account, in the same transaction. On
PostgreSQL, a trigger of the statement stores what has no event yet, and a deferred trigger records
at the commit what still has none (users/database/outside_record.py). SQLite has no deferred
triggers: its backend looks at the end of each transaction (users/audit/outside_changes.py).
"""

# ruff: noqa: S608  the statements contain only the names below

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from users.database.outside_record import (
    ACCOUNTS_TABLE,
    EVENT_OF_ACCOUNT,
    FUNCTION_HEAD,
    MEMBERSHIP_NAMES,
    PENDING_TABLE,
    record_function,
    stored_row,
    truncation_function,
)

# Columns whose changes are not recorded: see SOFT_COLUMNS, and those that follow a change.
UNRECORDED_COLUMNS = {
    "id",
    "last_login",
    "last_seen_at",
    "preferences",
    "updated_at",
    "version",
}
# By table: the kind of what an account has there, and its column.
MEMBERSHIP_COLUMNS = {
    table: (kind, column) for kind, (_, table, column, _, _) in MEMBERSHIP_NAMES.items()
}
# The name of what an account had, since it may be deleted in the same transaction.
ITEM_NAME = "(SELECT {convert}(i.{label}) FROM {names} i WHERE i.id = {row}.{column})"
WATCHED_TABLES = (ACCOUNTS_TABLE, *MEMBERSHIP_COLUMNS)
# The rows that a statement trigger sees, by event.
TRANSITION_TABLES = {
    "insert": "REFERENCING NEW TABLE AS new_rows",
    "update": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "delete": "REFERENCING OLD TABLE AS old_rows",
}
# A full join cannot become a nested loop, whatever the planner expects of the rows.
ACCOUNT_FUNCTION = f"""
    CREATE OR REPLACE FUNCTION {ACCOUNTS_TABLE}_note_change() RETURNS trigger {{head}} AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            INSERT INTO {PENDING_TABLE} (account_id, kind, old_row, is_first)
            SELECT
                coalesce(n.id, o.id),
                CASE WHEN o.id IS NULL THEN 'created' WHEN n.id IS NULL THEN 'removed'
                    ELSE 'changed' END,
                CASE WHEN o.id IS NOT NULL THEN {{old_row}} END,
                row_number() OVER () = 1
            FROM old_rows o FULL JOIN new_rows n ON n.id = o.id
            WHERE ({{differs}}) AND {{event_of_updated}} IS NULL;
        ELSIF TG_OP = 'INSERT' THEN
            INSERT INTO {PENDING_TABLE} (account_id, kind, is_first)
            SELECT n.id, 'created', row_number() OVER () = 1
            FROM new_rows n WHERE {{event_of_new}} IS NULL;
        ELSE
            INSERT INTO {PENDING_TABLE} (account_id, kind, old_row, is_first)
            SELECT o.id, 'removed', {{old_row}}, row_number() OVER () = 1
            FROM old_rows o WHERE {{event_of_old}} IS NULL;
        END IF;
        RETURN NULL;
    END $$
"""
COMMIT_TRIGGER = f"""
    CREATE CONSTRAINT TRIGGER {PENDING_TABLE}_commit AFTER INSERT ON {PENDING_TABLE}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.is_first)
    EXECUTE FUNCTION {PENDING_TABLE}_record()
"""
OUTSIDE_POSTGRESQL = """
    SELECT tgname, tgrelid::regclass::text FROM pg_trigger
    WHERE NOT tgisinternal AND (tgname LIKE %s OR tgname LIKE %s)
"""
OUTSIDE_SQLITE = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s"


def install_outside_triggers(connection) -> None:
    """Creates the triggers, or drops them if RECORD_OUTSIDE_CHANGES is off. It is idempotent, and
    takes no lock if the triggers of PostgreSQL are there.
    """
    with connection.cursor() as cursor:
        if not settings.RECORD_OUTSIDE_CHANGES:
            drop_outside_triggers(connection, cursor)
            return
        installed = installed_triggers(connection, cursor)
        for name, statement in outside_statements(connection, cursor).items():
            if name not in installed:
                cursor.execute(statement)


def outside_statements(connection, cursor) -> dict[str, str]:
    """Returns the statements that create the functions and triggers, by name."""
    columns = recorded_columns(connection, cursor)
    if connection.vendor == "sqlite":
        return sqlite_statements(list(columns))
    cursor.execute("SELECT quote_ident(current_schema())")
    return postgresql_statements(columns, schema=cursor.fetchone()[0])


def recorded_columns(connection, cursor) -> dict[str, bool]:
    """Returns the columns of an account whose changes are recorded, and whether each is a time."""
    found = connection.introspection.get_table_description(cursor, ACCOUNTS_TABLE)
    types = {column.name: column.type_code for column in found}
    field_type = connection.introspection.get_field_type
    return {
        column.name: field_type(types[column.name], column) == "DateTimeField"
        for column in found
        if column.name not in UNRECORDED_COLUMNS
    }


def installed_triggers(connection, cursor) -> dict[str, str]:
    """Returns the table of each of these triggers that is there, by its name."""
    if connection.vendor == "sqlite":
        # They are replaced, because a column may have been added.
        return {}
    cursor.execute(OUTSIDE_POSTGRESQL, [r"%\_outside\_%", f"{PENDING_TABLE}_commit"])
    return dict(cursor.fetchall())


def drop_outside_triggers(connection, cursor) -> None:
    if connection.vendor == "sqlite":
        cursor.execute(OUTSIDE_SQLITE, ["%_outside_%"])
        for name, _ in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {name}")
        return
    for name, table in installed_triggers(connection, cursor).items():
        cursor.execute(f"DROP TRIGGER {name} ON {table}")


@contextmanager
def without_outside_triggers(connection) -> Iterator[None]:
    """Switches the triggers off for a block inside a transaction, for millions of rows at once. On
    PostgreSQL only the owner of the tables may do so, and other writers wait.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            drop_outside_triggers(connection, cursor)
            yield
            install_outside_triggers(connection)
            return
        installed = installed_triggers(connection, cursor)
        switch_triggers(connection, cursor, installed, "DISABLE")
        yield
        switch_triggers(connection, cursor, installed, "ENABLE")


def switch_triggers(connection, cursor, installed: dict[str, str], change: str) -> None:
    # No table can be altered while a deferred check of its rows is still to come.
    connection.check_constraints()
    for name, table in installed.items():
        cursor.execute(f"ALTER TABLE {table} {change} TRIGGER {name}")


# --- PostgreSQL -----------------------------------------------------------------------------------


def postgresql_statements(columns: dict[str, bool], *, schema: str) -> dict[str, str]:
    head = FUNCTION_HEAD.format(schema=schema)
    statements = {
        f"{ACCOUNTS_TABLE}_note_change()": account_function(list(columns), head),
        f"{PENDING_TABLE}_record()": record_function(columns, head),
        f"{PENDING_TABLE}_truncation()": truncation_function(head),
    }
    for table, (kind, column) in MEMBERSHIP_COLUMNS.items():
        statements[f"{table}_note_change()"] = membership_function(table, kind, column, head)
    for table in WATCHED_TABLES:
        statements |= statement_triggers(table)
    statements[f"{PENDING_TABLE}_commit"] = COMMIT_TRIGGER
    return statements


def statement_triggers(table: str) -> dict[str, str]:
    """Returns the triggers of a table by name, one for each kind of statement."""
    found = {}
    for event, rows in TRANSITION_TABLES.items():
        name = f"{table}_outside_{event}"
        found[name] = f"""
            CREATE TRIGGER {name} AFTER {event.upper()} ON {table} {rows}
            FOR EACH STATEMENT EXECUTE FUNCTION {table}_note_change()
        """
    name = f"{table}_outside_truncate"
    found[name] = f"""
        CREATE TRIGGER {name} BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION {PENDING_TABLE}_truncation()
    """
    return found


def account_function(columns: list[str], head: str) -> str:
    """Returns the function that stores changed accounts without an event so far."""
    old = ", ".join(f"o.{name}" for name in columns)
    new = ", ".join(f"n.{name}" for name in columns)
    return ACCOUNT_FUNCTION.format(
        head=head,
        old_row=stored_row("o"),
        differs=f"({old}) IS DISTINCT FROM ({new}) OR n.version < o.version",
        event_of_updated=EVENT_OF_ACCOUNT.format(account="coalesce(n.id, o.id)"),
        event_of_new=EVENT_OF_ACCOUNT.format(account="n.id"),
        event_of_old=EVENT_OF_ACCOUNT.format(account="o.id"),
    )


def membership_function(table: str, kind: str, column: str, head: str) -> str:
    """Returns the function that stores added and removed roles or permissions of accounts."""
    stored = []
    old_name = item_name(kind, convert="to_jsonb", row="r")
    changes = {"added": ("new_rows", "NULL::jsonb"), "removed": ("old_rows", old_name)}
    for change, (rows, name) in changes.items():
        stored.append(f"""
            INSERT INTO {PENDING_TABLE} (account_id, kind, old_row, item_id, is_first)
            SELECT r.user_id, '{kind}_{change}', {name}, r.{column}, row_number() OVER () = 1
            FROM {rows} r WHERE {EVENT_OF_ACCOUNT.format(account="r.user_id")} IS NULL;
        """)
    added, removed = stored
    return f"""
        CREATE OR REPLACE FUNCTION {table}_note_change() RETURNS trigger {head} AS $$
        BEGIN
            IF TG_OP <> 'INSERT' THEN {removed} END IF;
            IF TG_OP <> 'DELETE' THEN {added} END IF;
            RETURN NULL;
        END $$
    """


def item_name(kind: str, *, convert: str, row: str) -> str:
    """Returns the subquery of the name of a role or permission of a row, as JSON."""
    _, _, column, names, label = MEMBERSHIP_NAMES[kind]
    return ITEM_NAME.format(
        convert=convert,
        row=row,
        column=column,
        names=names,
        label=label,
    )


# --- SQLite ---------------------------------------------------------------------------------------


def sqlite_statements(columns: list[str]) -> dict[str, str]:
    """Returns statements that drop the triggers of the rows, and others that create them."""
    found = {}
    for name, body in sqlite_bodies(columns).items():
        found[f"drop {name}"] = f"DROP TRIGGER IF EXISTS {name}"
        found[name] = f"CREATE TRIGGER {name} {body}"
    return found


def sqlite_bodies(columns: list[str]) -> dict[str, str]:
    pairs = ", ".join(f"'{name}', old.{name}" for name in ("version", *columns))
    old = f"json_object({pairs})"
    differs = " OR ".join(f"new.{name} IS NOT old.{name}" for name in columns)
    changed = f"WHEN {differs} OR new.version < old.version"
    bodies = {
        f"{ACCOUNTS_TABLE}_outside_insert": sqlite_body("INSERT", "new.id, 'created', NULL, NULL"),
        f"{ACCOUNTS_TABLE}_outside_update": sqlite_body(
            "UPDATE", f"old.id, 'changed', {old}, NULL", condition=changed
        ),
        f"{ACCOUNTS_TABLE}_outside_delete": sqlite_body(
            "DELETE", f"old.id, 'removed', {old}, NULL"
        ),
    }
    for table, (kind, column) in MEMBERSHIP_COLUMNS.items():
        added = f"new.user_id, '{kind}_added', NULL, new.{column}"
        name = item_name(kind, convert="json_quote", row="old")
        removed = f"old.user_id, '{kind}_removed', {name}, old.{column}"
        bodies[f"{table}_outside_insert"] = sqlite_body("INSERT", added, table=table)
        bodies[f"{table}_outside_delete"] = sqlite_body("DELETE", removed, table=table)
        bodies[f"{table}_outside_update"] = sqlite_body("UPDATE", removed, added, table=table)
    return bodies


def sqlite_body(event: str, *rows: str, table: str = ACCOUNTS_TABLE, condition: str = "") -> str:
    columns = "account_id, kind, old_row, item_id, is_first"
    inserts = [f"INSERT INTO {PENDING_TABLE} ({columns}) VALUES ({row}, 0);" for row in rows]
    return f"AFTER {event} ON {table} {condition} BEGIN {' '.join(inserts)} END"
