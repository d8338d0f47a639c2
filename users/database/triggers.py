"""Triggers that keep audit events append-only, raise generations and fill SQLite's search index.

They are installed after every migrate and not by a migration, so they are always those of this
release. A table that Django rebuilds on SQLite loses its triggers, and a new column of the accounts
must raise their generation too.
"""

# ruff: noqa: S608  the statements contain only the names below

from users.database.erasure_rules import ERASABLE_COLUMNS, POSTGRESQL, SQLITE, erasure_condition
from users.database.outside_record import PENDING_TABLE
from users.database.outside_triggers import install_outside_triggers
from users.database.version import newer_release_time

AUDIT_TABLE = "users_auditevent"
SEARCH_TABLE = "users_user_search"
CHAIN_COLUMNS = ("chain_position", "chain_salt", "chain_previous", "chain_hash")
HEAD_TABLE = "users_chainhead"
# Deleted events may be those that the head of the chain names as removed (users/audit/pruning.py),
# if they are older than a year.
IS_PRUNED = (
    f"old.chain_position <= (SELECT pruned_position FROM {HEAD_TABLE} WHERE id = 1) AND old.at < "
)
PRUNING_PERMISSION = f"""
            IF TG_OP = 'DELETE' THEN
                IF {IS_PRUNED} now() - interval '365 days' THEN RETURN OLD; END IF;
            END IF;"""
APPEND_ONLY_ERROR = "audit events are append-only"
OBJECT_ERROR = "before and after of an audit event are JSON objects"
TIME_ERROR = "the time of an audit event is in a year from 1000 to 8999"
SIZE_ERROR = "before and after of an audit event have too many levels or digits"
# Python reads no JSON with more levels than about 900, and no number with more than 4300 digits.
IS_READABLE = """
    NOT jsonb_path_exists(jsonb_build_array(NEW.before, NEW.after), '$.**{800}')
    AND NOT EXISTS (
        SELECT FROM jsonb_path_query(jsonb_build_array(NEW.before, NEW.after), '$.**') AS v
        WHERE jsonb_typeof(v) = 'number' AND length(v::text) > 4000
    )"""
# Shorter texts have neither. The stored size says nothing: 1e5000 takes a few bytes.
LARGE_JSON = 1000
# The triggers of these refusals fire for no other new event.
INSERT_REFUSAL = f"""
            IF TG_OP = 'INSERT' THEN
                IF TG_NAME = '{AUDIT_TABLE}_size' AND {IS_READABLE} THEN RETURN NEW; END IF;
                RAISE EXCEPTION '%', CASE TG_NAME WHEN '{AUDIT_TABLE}_time' THEN '{TIME_ERROR}'
                    WHEN '{AUDIT_TABLE}_size' THEN '{SIZE_ERROR}' ELSE '{OBJECT_ERROR}' END
                    USING ERRCODE = 'check_violation';
            END IF;"""
# A setting of the transaction that seals, which says that the digests include sessions. Code from
# before there were sessions does not know it: it would seal an event with one as if it had none.
SEALING_SETTING = "rollcall.seals_sessions"
SEALS_SESSION = f"(OLD.session_id IS NULL OR current_setting('{SEALING_SETTING}', true) = 'on')"
ACCOUNTS_TABLE = "users_user"
GENERATIONS_TABLE = "users_generation"
FORMER_POSITION_TABLE = "users_formervalueposition"
# The generation that a change of each table raises. Pages that show data of a table are cached
# under its generation.
GENERATION_OF_TABLE = {
    ACCOUNTS_TABLE: "accounts",
    AUDIT_TABLE: "audit",
    "auth_group": "roles",
    "auth_permission": "roles",
    "auth_group_permissions": "roles",
    "users_user_groups": "roles",
    "users_user_user_permissions": "roles",
    # Pages that show events show notes too.
    "users_note": "audit",
    # Former values that are found later belong on pages of the directory.
    FORMER_POSITION_TABLE: "accounts",
}
# Columns that raise no generation: pages show them up to a minute late, or not at all.
SOFT_COLUMNS = {
    ACCOUNTS_TABLE: {"last_seen_at", "last_login", "preferences"},
    AUDIT_TABLE: set(CHAIN_COLUMNS),
    FORMER_POSITION_TABLE: {"event_id"},
}
MICROSECONDS = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
# PostgreSQL's trigger function for all tables. It updates a lane that no other transaction has
# locked, or adds one, so that writers of different accounts never wait for each other.
RAISE_GENERATION = f"""
    CREATE OR REPLACE FUNCTION {GENERATIONS_TABLE}_raise() RETURNS trigger
    LANGUAGE plpgsql AS $$
    DECLARE
        free bigint;
    BEGIN
        SELECT id INTO free FROM {GENERATIONS_TABLE} WHERE name = TG_ARGV[0]
        ORDER BY lane, id LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF FOUND THEN
            UPDATE {GENERATIONS_TABLE} SET number = greatest(number + 1, {MICROSECONDS})
            WHERE id = free;
        ELSE
            INSERT INTO {GENERATIONS_TABLE} (name, lane, number)
            VALUES (TG_ARGV[0], (random() * 2147483647)::integer, {MICROSECONDS});
        END IF;
        RETURN NULL;
    END $$
"""


def install_triggers(connection) -> None:
    """Creates or replaces the audit triggers, and on SQLite the search index and its triggers.

    It is idempotent.
    """
    on_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        columns = column_names(connection, cursor, AUDIT_TABLE)
        is_outdated = on_sqlite and not has_search_triggers(cursor)
        for statement in append_only_statements(connection, columns):
            cursor.execute(statement)
        if is_outdated:
            cursor.execute(f"INSERT INTO {SEARCH_TABLE}({SEARCH_TABLE}) VALUES ('rebuild')")


def append_only_statements(connection, columns: list[str]) -> list[str]:
    """Returns the statements of `install_triggers`. `columns`: those of an audit event."""
    if connection.vendor == "sqlite":
        return sqlite_trigger_sql(columns)
    return postgresql_trigger_sql()


def column_names(connection, cursor, table: str) -> list[str]:
    description = connection.introspection.get_table_description(cursor, table)
    return [column.name for column in description]


def has_search_triggers(cursor) -> bool:
    """Returns whether SQLite's search index has its triggers. Otherwise it misses all writes."""
    cursor.execute(
        "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s",
        [f"{SEARCH_TABLE}%"],
    )
    return cursor.fetchone()[0] == 3


def reinstall_triggers(using: str = "default", **_: object) -> None:
    """Installs the triggers of existing tables: a migrate may stop before the last migration.

    Those of a newer release stay, since its rows may need them: after a rollback this release runs
    beside them, as it does during a deployment. A receiver of post_migrate.
    """
    from django.db import connections

    if newer_release_time(using):
        return
    connection = connections[using]
    tables = connection.introspection.table_names()
    if AUDIT_TABLE in tables:
        install_triggers(connection)
    if GENERATIONS_TABLE in tables:
        install_generation_triggers(connection)
    if PENDING_TABLE in tables:
        install_outside_triggers(connection)


def install_generation_triggers(connection) -> None:
    """Creates or replaces the triggers that raise generations. It is idempotent."""
    with connection.cursor() as cursor:
        for statement in generation_statements(connection, cursor):
            cursor.execute(statement)


def generation_statements(connection, cursor) -> list[str]:
    """Returns the statements of `install_generation_triggers`."""
    on_sqlite = connection.vendor == "sqlite"
    make_statements = sqlite_generation_sql if on_sqlite else postgresql_generation_sql
    statements = []
    existing = set(connection.introspection.table_names(cursor))
    for table, name in GENERATION_OF_TABLE.items():
        if table not in existing:
            continue
        watched: list[str] = []
        if table != AUDIT_TABLE:
            soft = SOFT_COLUMNS.get(table, ())
            names = column_names(connection, cursor, table)
            watched = [column for column in names if column not in soft]
        statements += make_statements(table, name, watched)
    return statements


def postgresql_generation_sql(table: str, name: str, watched: list[str]) -> list[str]:
    """Returns the SQL of a trigger that raises the generation `name` once for each statement.

    `watched`: the columns whose changes raise it. Without any, only new rows and TRUNCATE do.
    """
    events = "INSERT OR TRUNCATE"
    if watched:
        events = f"INSERT OR DELETE OR TRUNCATE OR UPDATE OF {', '.join(watched)}"
    trigger = f"""
        CREATE OR REPLACE TRIGGER {table}_generation AFTER {events} ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION {GENERATIONS_TABLE}_raise('{name}')
    """
    return [RAISE_GENERATION, trigger]


def sqlite_generation_sql(table: str, name: str, watched: list[str]) -> list[str]:
    """Returns the SQL of triggers that raise the generation `name` once for each row.

    SQLite has no statement triggers. It has one writer at a time, so one lane is enough. Its clock
    has milliseconds; the microseconds are random, because a number whose change was rolled back
    must not occur again.
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
    if watched:
        events |= {"delete": "DELETE", "update": f"UPDATE OF {', '.join(watched)}"}
    statements = []
    for event, when in events.items():
        body = f"AFTER {when} ON {table} {raising}"
        statements += create_trigger_sql(f"{table}_generation_{event}", body)
    return statements


def postgresql_trigger_sql() -> list[str]:
    """Returns the SQL of the triggers that keep audit events append-only on PostgreSQL."""
    row_trigger = f"""
        CREATE OR REPLACE TRIGGER {AUDIT_TABLE}_row BEFORE UPDATE OR DELETE ON {AUDIT_TABLE}
        FOR EACH ROW EXECUTE FUNCTION {AUDIT_TABLE}_append_only()
    """
    truncate_trigger = f"""
        CREATE OR REPLACE TRIGGER {AUDIT_TABLE}_table BEFORE TRUNCATE ON {AUDIT_TABLE}
        FOR EACH STATEMENT EXECUTE FUNCTION {AUDIT_TABLE}_append_only()
    """
    return [append_only_function(), row_trigger, truncate_trigger, *insert_triggers()]


def insert_triggers() -> list[str]:
    """Returns the SQL of PostgreSQL's triggers that refuse new events which nothing can read."""
    # The sealing and the verification need the names of fields.
    objects = "jsonb_typeof(NEW.before) <> 'object' OR jsonb_typeof(NEW.after) <> 'object'"
    # Python can't read "infinity", nor show the first and the last years in every time zone.
    year = "date_part('year', NEW.at)"
    sizes = [f"length(NEW.{name}::text) > {LARGE_JSON}" for name in ("before", "after")]
    conditions = {
        "object": objects,
        "time": f"{year} < 1000::double precision OR {year} > 8999::double precision",
        "size": " OR ".join(sizes),
    }
    statements = []
    for name, condition in conditions.items():
        statement = f"""
            CREATE OR REPLACE TRIGGER {AUDIT_TABLE}_{name} BEFORE INSERT ON {AUDIT_TABLE}
            FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION {AUDIT_TABLE}_append_only()
        """
        statements.append(statement)
    return statements


def append_only_function() -> str:
    """Returns the SQL of PostgreSQL's trigger function, which refuses all but two changes and
    the removal of old events.

    Sealing changes every event, so it compares rows: as JSON that took half the time of sealing.
    """
    restored = " ".join(f"rest.{name} := OLD.{name};" for name in CHAIN_COLUMNS)
    erasable = ", ".join(f"'{name}'" for name in ERASABLE_COLUMNS)
    return f"""
        CREATE OR REPLACE FUNCTION {AUDIT_TABLE}_append_only() RETURNS trigger
        LANGUAGE plpgsql AS $$
        DECLARE rest {AUDIT_TABLE};
        BEGIN {INSERT_REFUSAL}
            IF TG_OP = 'UPDATE' THEN
                -- An unsealed event may be sealed.
                IF OLD.chain_position IS NULL AND NEW.chain_position IS NOT NULL THEN
                    rest := NEW;
                    {restored}
                    -- Byte for byte, unlike "=".
                    IF rest *= OLD AND {SEALS_SESSION} THEN RETURN NEW; END IF;
                END IF;
                -- A sealed event may have personal values erased or redacted.
                IF {erasure_condition(POSTGRESQL)}
                   AND to_jsonb(NEW) - ARRAY[{erasable}] = to_jsonb(OLD) - ARRAY[{erasable}] THEN
                    RETURN NEW;
                END IF;
            END IF;
            {PRUNING_PERMISSION}
            RAISE EXCEPTION '{APPEND_ONLY_ERROR}' USING ERRCODE = 'insufficient_privilege';
        END $$
    """


def sqlite_trigger_sql(columns: list[str]) -> list[str]:
    return [*sqlite_audit_sql(columns), *sqlite_search_sql()]


def sqlite_audit_sql(columns: list[str]) -> list[str]:
    """Returns the SQL of the triggers that keep audit events append-only on SQLite."""
    same_content = unchanged_columns(columns, CHAIN_COLUMNS)
    free = f"NOT EXISTS (SELECT 1 FROM {AUDIT_TABLE} WHERE chain_position = new.chain_position)"
    newly_sealed = "old.chain_position IS NULL AND new.chain_position IS NOT NULL"
    sealing = f"{newly_sealed} AND {free} AND {same_content}"
    erasure = f"{erasure_condition(SQLITE)} AND {unchanged_columns(columns, ERASABLE_COLUMNS)}"
    allowed = f"({sealing}) OR ({erasure})"
    is_pruned = f"({IS_PRUNED} datetime('now', '-365 days'))"
    abort = f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY_ERROR}'); END"
    # INSERT OR REPLACE deletes conflicting rows without firing the trigger for deletions.
    conflict = "id = new.id OR chain_position = new.chain_position"
    has_year = "new.at GLOB '[1-8][0-9][0-9][0-9]-*'"
    is_object = "json_type(new.before) IS 'object' AND json_type(new.after) IS 'object'"
    replaces = f"EXISTS (SELECT 1 FROM {AUDIT_TABLE} WHERE {conflict})"
    bodies = {
        "update": f"BEFORE UPDATE ON {AUDIT_TABLE} WHEN NOT coalesce({allowed}, 0) {abort}",
        "delete": f"BEFORE DELETE ON {AUDIT_TABLE} WHEN NOT coalesce({is_pruned}, 0) {abort}",
        "replace": f"BEFORE INSERT ON {AUDIT_TABLE} WHEN {replaces} {abort}",
        "object": sqlite_insert_refusal(is_object, OBJECT_ERROR),
        "time": sqlite_insert_refusal(has_year, TIME_ERROR),
    }
    statements = []
    for event, body in bodies.items():
        statements += create_trigger_sql(f"{AUDIT_TABLE}_{event}", body)
    return statements


def sqlite_insert_refusal(condition: str, error: str) -> str:
    """Returns the part of a trigger that refuses new events which don't meet a condition."""
    refuse = f"BEGIN SELECT RAISE(ABORT, '{error}'); END"
    return f"BEFORE INSERT ON {AUDIT_TABLE} WHEN NOT ({condition}) {refuse}"


def unchanged_columns(columns: list[str], exempt: tuple[str, ...]) -> str:
    """Returns the SQLite condition that all columns but the exempt ones are unchanged."""
    return " AND ".join(f"new.{name} IS old.{name}" for name in columns if name not in exempt)


def sqlite_search_sql() -> list[str]:
    """Returns the SQL of SQLite's search index and of the triggers that maintain it."""
    add = f"INSERT INTO {SEARCH_TABLE}(rowid, search_key) VALUES (new.id, new.search_key);"
    columns = f"{SEARCH_TABLE}({SEARCH_TABLE}, rowid, search_key)"
    remove = f"INSERT INTO {columns} VALUES ('delete', old.id, old.search_key);"
    changed = "WHEN old.search_key IS NOT new.search_key"
    bodies = {
        "insert": f"AFTER INSERT ON users_user BEGIN {add} END",
        "delete": f"AFTER DELETE ON users_user BEGIN {remove} END",
        "update": f"AFTER UPDATE OF search_key ON users_user {changed} BEGIN {remove} {add} END",
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
