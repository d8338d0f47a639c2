"""Triggers: audit events are append-only, generations rise with every change, and SQLite's search
index follows the accounts.

No migration installs these: they are installed after every migrate, and so are always those of
this release. Django rebuilds a table on SQLite to alter it, and a rebuilt table has lost its
triggers; and a new column of the accounts has to raise their generation too.
"""

# ruff: noqa: S608  the statements contain nothing but the names below

from users.database.erasure_rules import ERASABLE_COLUMNS, POSTGRESQL, SQLITE, erasure_condition

AUDIT_TABLE = "users_auditevent"
SEARCH_TABLE = "users_user_search"
CHAIN_COLUMNS = ("chain_position", "chain_salt", "chain_previous", "chain_hash")
APPEND_ONLY_ERROR = "audit events are append-only"
ACCOUNTS_TABLE = "users_user"
GENERATIONS_TABLE = "users_generation"
# The generation that each table raises. Every page that shows something of a table is stored under
# its generation.
GENERATION_OF_TABLE = {
    ACCOUNTS_TABLE: "accounts",
    AUDIT_TABLE: "audit",
    "auth_group": "roles",
    "auth_permission": "roles",
    "auth_group_permissions": "roles",
    "users_user_groups": "roles",
    "users_user_user_permissions": "roles",
    # Notes stand on the pages that show events.
    "users_note": "audit",
}
# Columns that raise no generation: pages show them up to a minute late, or not at all.
SOFT_COLUMNS = {
    ACCOUNTS_TABLE: {"last_seen_at", "last_login", "preferences"},
    AUDIT_TABLE: set(CHAIN_COLUMNS),
}


def install_triggers(connection) -> None:
    """Makes or replaces all triggers, and the search index that they fill. Repeating it changes
    nothing.
    """
    on_sqlite = connection.vendor == "sqlite"
    make_statements = sqlite_trigger_sql if on_sqlite else postgresql_trigger_sql
    with connection.cursor() as cursor:
        columns = column_names(connection, cursor, AUDIT_TABLE)
        is_behind = on_sqlite and not has_search_triggers(cursor)
        for statement in make_statements(columns):
            cursor.execute(statement)
        if is_behind:
            cursor.execute(f"INSERT INTO {SEARCH_TABLE}({SEARCH_TABLE}) VALUES ('rebuild')")


def column_names(connection, cursor, table: str) -> list[str]:
    description = connection.introspection.get_table_description(cursor, table)
    return [column.name for column in description]


def has_search_triggers(cursor) -> bool:
    """Whether SQLite's search index has its triggers; without them it misses every write."""
    cursor.execute(
        "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s",
        [f"{SEARCH_TABLE}%"],
    )
    return cursor.fetchone()[0] == 3


def reinstall_triggers(using: str = "default", **_: object) -> None:
    """Installs every trigger whose table exists: a migrate may stop before the last migration."""
    from django.db import connections

    connection = connections[using]
    tables = connection.introspection.table_names()
    if AUDIT_TABLE in tables:
        install_triggers(connection)
    if GENERATIONS_TABLE in tables:
        install_generation_triggers(connection)


def install_generation_triggers(connection) -> None:
    """Makes or replaces the triggers that raise generations. Repeating it changes nothing."""
    on_sqlite = connection.vendor == "sqlite"
    make_statements = sqlite_generation_sql if on_sqlite else postgresql_generation_sql
    with connection.cursor() as cursor:
        for table, name in GENERATION_OF_TABLE.items():
            hard: list[str] = []
            if table != AUDIT_TABLE:
                soft = SOFT_COLUMNS.get(table, ())
                names = column_names(connection, cursor, table)
                hard = [column for column in names if column not in soft]
            for statement in make_statements(table, name, hard):
                cursor.execute(statement)


def postgresql_generation_sql(table: str, name: str, hard: list[str]) -> list[str]:
    """The statements for a trigger that raises the generation `name` once for each statement, on a
    lane that nobody holds: writers of different accounts never wait for each other.

    `hard`: the columns whose change counts; without any, rows are only added.
    """
    clock = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    events = "INSERT OR TRUNCATE"
    if hard:
        events = f"INSERT OR DELETE OR TRUNCATE OR UPDATE OF {', '.join(hard)}"
    return [
        f"""
        CREATE OR REPLACE FUNCTION {GENERATIONS_TABLE}_raise() RETURNS trigger
        LANGUAGE plpgsql AS $$
        DECLARE
            free bigint;
        BEGIN
            SELECT id INTO free FROM {GENERATIONS_TABLE} WHERE name = TG_ARGV[0]
            ORDER BY lane, id LIMIT 1 FOR UPDATE SKIP LOCKED;
            IF FOUND THEN
                UPDATE {GENERATIONS_TABLE} SET number = greatest(number + 1, {clock})
                WHERE id = free;
            ELSE
                INSERT INTO {GENERATIONS_TABLE} (name, lane, number)
                VALUES (TG_ARGV[0], (random() * 2147483647)::integer, {clock});
            END IF;
            RETURN NULL;
        END $$
        """,
        f"""
        CREATE OR REPLACE TRIGGER {table}_generation AFTER {events} ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION {GENERATIONS_TABLE}_raise('{name}')
        """,
    ]


def sqlite_generation_sql(table: str, name: str, hard: list[str]) -> list[str]:
    """The statements for triggers that raise the generation `name` once for each row, since SQLite
    has no others. It has one writer at a time, so one lane is enough.

    Its clock has milliseconds. The microseconds are random: a number whose change was rolled back
    must not come again.
    """
    milliseconds = (
        "CAST(1000 * strftime('%s', 'now') + substr(strftime('%f', 'now'), 4) AS INTEGER)"
    )
    clock = f"({milliseconds} * 1000 + abs(random() % 1000))"
    raising = f"""BEGIN
        INSERT INTO {GENERATIONS_TABLE} (name, lane, number) VALUES ('{name}', 0, {clock})
        ON CONFLICT (name, lane) DO UPDATE SET number = max(number + 1, excluded.number);
    END"""
    events = {"insert": "INSERT"}
    if hard:
        events |= {"delete": "DELETE", "update": f"UPDATE OF {', '.join(hard)}"}
    statements = []
    for event, when in events.items():
        body = f"AFTER {when} ON {table} {raising}"
        statements += create_trigger_sql(f"{table}_generation_{event}", body)
    return statements


def postgresql_trigger_sql(columns: list[str]) -> list[str]:
    chain = ", ".join(f"'{name}'" for name in CHAIN_COLUMNS)
    erasable = ", ".join(f"'{name}'" for name in ERASABLE_COLUMNS)
    return [
        f"""
        CREATE OR REPLACE FUNCTION {AUDIT_TABLE}_append_only() RETURNS trigger
        LANGUAGE plpgsql AS $$
        BEGIN
            -- Two changes are allowed. An event that is not sealed yet takes its position;
            IF TG_OP = 'UPDATE' THEN
                IF OLD.chain_position IS NULL AND NEW.chain_position IS NOT NULL
                   AND to_jsonb(NEW) - ARRAY[{chain}] = to_jsonb(OLD) - ARRAY[{chain}] THEN
                    RETURN NEW;
                END IF;
                -- and a sealed one loses personal values, all or some words, with their salt.
                IF {erasure_condition(POSTGRESQL)}
                   AND to_jsonb(NEW) - ARRAY[{erasable}] = to_jsonb(OLD) - ARRAY[{erasable}] THEN
                    RETURN NEW;
                END IF;
            END IF;
            RAISE EXCEPTION '{APPEND_ONLY_ERROR}' USING ERRCODE = 'insufficient_privilege';
        END $$
        """,
        f"""
        CREATE OR REPLACE TRIGGER {AUDIT_TABLE}_row BEFORE UPDATE OR DELETE ON {AUDIT_TABLE}
        FOR EACH ROW EXECUTE FUNCTION {AUDIT_TABLE}_append_only()
        """,
        f"""
        CREATE OR REPLACE TRIGGER {AUDIT_TABLE}_table BEFORE TRUNCATE ON {AUDIT_TABLE}
        FOR EACH STATEMENT EXECUTE FUNCTION {AUDIT_TABLE}_append_only()
        """,
    ]


def sqlite_trigger_sql(columns: list[str]) -> list[str]:
    return [*sqlite_audit_sql(columns), *sqlite_search_sql()]


def sqlite_audit_sql(columns: list[str]) -> list[str]:
    """The statements for triggers that keep audit events append-only on SQLite."""
    same = unchanged_columns(columns, CHAIN_COLUMNS)
    untouched = unchanged_columns(columns, ERASABLE_COLUMNS)
    free = f"NOT EXISTS (SELECT 1 FROM {AUDIT_TABLE} WHERE chain_position = new.chain_position)"
    sealing = f"old.chain_position IS NULL AND new.chain_position IS NOT NULL AND {free} AND {same}"
    allowed = f"({sealing}) OR ({erasure_condition(SQLITE)} AND {untouched})"
    abort = f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY_ERROR}'); END"
    # REPLACE deletes the row in the way without firing the trigger for deletions.
    in_the_way = "id = new.id OR chain_position = new.chain_position"
    taken = f"EXISTS (SELECT 1 FROM {AUDIT_TABLE} WHERE {in_the_way})"
    bodies = {
        "update": f"BEFORE UPDATE ON {AUDIT_TABLE} WHEN NOT coalesce({allowed}, 0) {abort}",
        "delete": f"BEFORE DELETE ON {AUDIT_TABLE} {abort}",
        "replace": f"BEFORE INSERT ON {AUDIT_TABLE} WHEN {taken} {abort}",
    }
    statements = []
    for event, body in bodies.items():
        statements += create_trigger_sql(f"{AUDIT_TABLE}_{event}", body)
    return statements


def unchanged_columns(columns: list[str], exempt: tuple[str, ...]) -> str:
    """The condition of SQLite that all columns but the exempt ones are as they were."""
    return " AND ".join(f"new.{name} IS old.{name}" for name in columns if name not in exempt)


def sqlite_search_sql() -> list[str]:
    """The statements for SQLite's search index and the triggers that fill it."""
    put = f"INSERT INTO {SEARCH_TABLE}(rowid, search_key) VALUES (new.id, new.search_key);"
    columns = f"{SEARCH_TABLE}({SEARCH_TABLE}, rowid, search_key)"
    take = f"INSERT INTO {columns} VALUES ('delete', old.id, old.search_key);"
    changed = "WHEN old.search_key IS NOT new.search_key"
    bodies = {
        "insert": f"AFTER INSERT ON users_user BEGIN {put} END",
        "delete": f"AFTER DELETE ON users_user BEGIN {take} END",
        "update": f"AFTER UPDATE OF search_key ON users_user {changed} BEGIN {take} {put} END",
    }
    statements = [
        f"""
        CREATE VIRTUAL TABLE IF NOT EXISTS {SEARCH_TABLE}
        USING fts5(search_key, content='users_user', content_rowid='id', tokenize='trigram')
        """
    ]
    for event, body in bodies.items():
        statements += create_trigger_sql(f"{SEARCH_TABLE}_{event}", body)
    return statements


def create_trigger_sql(name: str, body: str) -> list[str]:
    return [f"DROP TRIGGER IF EXISTS {name}", f"CREATE TRIGGER {name} {body}"]
