"""What the database itself sees to: audit events are append-only, generations rise with every
change, and SQLite's search index follows the accounts.

No migration installs these: they are installed after every migrate, and so are always those of
this release. Django rebuilds a table on SQLite to alter it, and a rebuilt table has lost its
triggers; and a new column of the accounts has to raise their generation too.
"""

# ruff: noqa: S608  what is put into the statements are the names below

from collections.abc import Callable
from dataclasses import dataclass

AUDIT_TABLE = "users_auditevent"
SEARCH_TABLE = "users_user_search"
CHAIN_COLUMNS = ("chain_position", "chain_salt", "chain_previous", "chain_hash")
# What erasing may touch: the values of one part of an event, its half of the salt, and what stands
# in for them.
EVENT_PARTS = {
    "target": ("target_text", "before", "after", "reason", "ticket"),
    "actor": ("actor_text", "ip", "user_agent"),
}
ERASABLE_COLUMNS = (
    *EVENT_PARTS["target"],
    *EVENT_PARTS["actor"],
    "chain_salt",
    "target_digest",
    "actor_digest",
    "erased_at",
)
JSON_COLUMNS = ("before", "after")
ERASED_TEXT = (
    "[erased]"  # stands where words about an erased person stood, in what was written about others
)
SALT_HALF_SIZE = 16  # bytes of chain_salt for each part, in the order of PARTS
APPEND_ONLY_ERROR = "audit events are append-only"
ACCOUNTS_TABLE = "users_user"
GENERATIONS_TABLE = "users_generation"
# Which generation each table raises. Every page that shows something of a table is stored under its
# generation.
GENERATION_OF_TABLE = {
    ACCOUNTS_TABLE: "accounts",
    AUDIT_TABLE: "audit",
    "auth_group": "roles",
    "auth_permission": "roles",
    "auth_group_permissions": "roles",
    "users_user_groups": "roles",
    "users_user_user_permissions": "roles",
    # what is written about an account stands on the pages that show its events
    "users_note": "audit",
}
# Columns that may change without: pages show them up to a minute late, or not at all.
SOFT_COLUMNS = {
    ACCOUNTS_TABLE: {"last_seen_at", "last_login", "preferences"},
    AUDIT_TABLE: set(CHAIN_COLUMNS),
}


def install_triggers(connection) -> None:
    """Makes or replaces all triggers, and the search index that they fill. Repeating it changes
    nothing.
    """
    statements = {"postgresql": postgresql_trigger_sql, "sqlite": sqlite_trigger_sql}[
        connection.vendor
    ]
    with connection.cursor() as cursor:
        columns = [
            column.name
            for column in connection.introspection.get_table_description(cursor, AUDIT_TABLE)
        ]
        behind = connection.vendor == "sqlite" and not has_search_triggers(cursor)
        for statement in statements(columns):
            cursor.execute(statement)
        if behind:
            cursor.execute(f"INSERT INTO {SEARCH_TABLE}({SEARCH_TABLE}) VALUES ('rebuild')")


def has_search_triggers(cursor) -> bool:
    """Whether SQLite's search index has its triggers; without them it has missed what was written
    since.
    """
    cursor.execute(
        "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s",
        [f"{SEARCH_TABLE}%"],
    )
    return cursor.fetchone()[0] == 3


def reinstall_triggers(using: str = "default", **_: object) -> None:
    """Installs everything whose tables exist: a migrate may stop before the last migration."""
    from django.db import connections

    connection = connections[using]
    tables = connection.introspection.table_names()
    if AUDIT_TABLE in tables:
        install_triggers(connection)
    if GENERATIONS_TABLE in tables:
        install_generation_triggers(connection)


def install_generation_triggers(connection) -> None:
    """Makes or replaces the triggers that raise generations. Repeating it changes nothing."""
    make = {"postgresql": postgresql_generation_sql, "sqlite": sqlite_generation_sql}[
        connection.vendor
    ]
    with connection.cursor() as cursor:
        for table, name in GENERATION_OF_TABLE.items():
            columns = [
                column.name
                for column in connection.introspection.get_table_description(cursor, table)
            ]
            hard = [column for column in columns if column not in SOFT_COLUMNS.get(table, ())]
            for statement in make(table, name, [] if table == AUDIT_TABLE else hard):
                cursor.execute(statement)


def postgresql_generation_sql(table: str, name: str, hard: list[str]) -> list[str]:
    """Once for each statement, and on a lane that nobody holds: writers of different accounts never
    wait for each other.

    `hard`: the columns whose change counts; without any, rows are only added.
    """
    clock = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    events = (
        f"INSERT OR DELETE OR TRUNCATE OR UPDATE OF {', '.join(hard)}"
        if hard
        else "INSERT OR TRUNCATE"
    )
    return [
        f"""
        CREATE OR REPLACE FUNCTION {GENERATIONS_TABLE}_raise() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            free bigint;
        BEGIN
            SELECT id INTO free FROM {GENERATIONS_TABLE} WHERE name = TG_ARGV[0]
            ORDER BY lane, id LIMIT 1 FOR UPDATE SKIP LOCKED;
            IF FOUND THEN
                UPDATE {GENERATIONS_TABLE} SET number = greatest(number + 1, {clock}) WHERE id = free;
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
    """Once for each row, as SQLite has it; there is one writer at a time, so one lane will do.

    The clock tells milliseconds. Chance fills in the rest: a number whose change was taken back
    must not come again.
    """
    clock = "(CAST(1000 * strftime('%s', 'now') + substr(strftime('%f', 'now'), 4) AS INTEGER) * 1000 + abs(random() % 1000))"
    raising = f"""BEGIN
        INSERT INTO {GENERATIONS_TABLE} (name, lane, number) VALUES ('{name}', 0, {clock})
        ON CONFLICT (name, lane) DO UPDATE SET number = max(number + 1, excluded.number);
    END"""
    events = {"insert": "INSERT"} | (
        {"delete": "DELETE", "update": f"UPDATE OF {', '.join(hard)}"} if hard else {}
    )
    return [
        statement
        for event, when in events.items()
        for statement in create_trigger_sql(
            f"{table}_generation_{event}", f"AFTER {when} ON {table} {raising}"
        )
    ]


def postgresql_trigger_sql(columns: list[str]) -> list[str]:
    chain = ", ".join(f"'{name}'" for name in CHAIN_COLUMNS)
    erasable = ", ".join(f"'{name}'" for name in ERASABLE_COLUMNS)
    return [
        f"""
        CREATE OR REPLACE FUNCTION {AUDIT_TABLE}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            -- Two changes are allowed. An event that is not sealed yet takes its place in the chain;
            IF TG_OP = 'UPDATE' THEN
                IF OLD.chain_position IS NULL AND NEW.chain_position IS NOT NULL
                   AND to_jsonb(NEW) - ARRAY[{chain}] = to_jsonb(OLD) - ARRAY[{chain}] THEN
                    RETURN NEW;
                END IF;
                -- and a sealed one loses personal values, all or some words, with the salt of their digest.
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


@dataclass(frozen=True)
class Dialect:
    """How a database says that two values are the same or differ, what is left of the JSON object
    in COLUMN when its values are gone, the zeros that stand where a salt was, and that a column is
    as it was but for words that went.
    """

    same: str
    differs: str
    names: str
    zeros: str
    cut: Callable[[str], str]
    cut_json: Callable[[str], str]


def like_condition(old: str, new: str) -> str:
    """PostgreSQL: whether `old` is `new` with any texts in place of the neutral words."""
    escaped = f"replace(replace(replace({new}, '\\', '\\\\'), '%', '\\%'), '_', '\\_')"
    return f"{old} LIKE replace({escaped}, '{ERASED_TEXT}', '%')"


def glob_condition(old: str, new: str) -> str:
    """The same for SQLite, whose LIKE takes capitals for small letters."""
    escaped = f"replace(replace(replace({new}, '[', '[[]'), '*', '[*]'), '?', '[?]')"
    return f"{old} GLOB replace({escaped}, '[[]{ERASED_TEXT[1:]}', '*')"


def json_glob_condition(column: str) -> str:
    """Value by value, since what wrote the JSON may have spaced and escaped it otherwise."""
    sides = f"json_tree(old.{column}) AS o LEFT JOIN json_tree(new.{column}) AS n ON n.fullkey = o.fullkey AND n.type = o.type"
    same = f"n.fullkey IS NOT NULL AND (n.atom IS o.atom OR coalesce({glob_condition('o.atom', 'n.atom')}, 0))"
    number = "(SELECT count(*) FROM json_tree({row}.{column}))"
    counts = (
        f"{number.format(row='old', column=column)} = {number.format(row='new', column=column)}"
    )
    return f"{counts} AND NOT EXISTS (SELECT 1 FROM {sides} WHERE NOT ({same}))"


POSTGRESQL = Dialect(
    "IS NOT DISTINCT FROM",
    "IS DISTINCT FROM",
    "(SELECT coalesce(jsonb_object_agg(key, NULL::text), '{}'::jsonb) FROM jsonb_each(COLUMN))",
    f"'\\x{'00' * SALT_HALF_SIZE}'::bytea",
    lambda column: like_condition(f"old.{column}", f"new.{column}"),
    lambda column: like_condition(f"old.{column}::text", f"new.{column}::text"),
)
SQLITE = Dialect(
    "IS",
    "IS NOT",
    "(SELECT json_group_object(key, NULL) FROM json_each(COLUMN))",
    f"zeroblob({SALT_HALF_SIZE})",
    lambda column: glob_condition(f"old.{column}", f"new.{column}"),
    json_glob_condition,
)


def erasure_condition(dialect: Dialect) -> str:
    """The condition under which the columns of ERASABLE may change: of each part nothing is
    changed, or all is gone, or words are.
    """
    parts = " AND ".join(
        f"({unchanged_condition(part, dialect)} OR {erased_condition(part, dialect)} OR {redacted_condition(part, dialect)})"
        for part in EVENT_PARTS
    )
    some = " OR ".join(
        f"{salt_half(part, 'new')} {dialect.differs} {salt_half(part, 'old')}"
        for part in EVENT_PARTS
    )
    sealed = "old.chain_position IS NOT NULL AND new.erased_at IS NOT NULL AND length(new.chain_salt) = length(old.chain_salt)"
    return f"{sealed} AND ({some}) AND {parts}"


def salt_half(part: str, row: str) -> str:
    return f"substr({row}.chain_salt, {1 + SALT_HALF_SIZE * list(EVENT_PARTS).index(part)}, {SALT_HALF_SIZE})"


def unchanged_condition(part: str, dialect: Dialect) -> str:
    pairs = [(f"new.{name}", f"old.{name}") for name in (*EVENT_PARTS[part], f"{part}_digest")]
    return " AND ".join(
        f"{new} {dialect.same} {old}"
        for new, old in [*pairs, (salt_half(part, "new"), salt_half(part, "old"))]
    )


def erased_condition(part: str, dialect: Dialect) -> str:
    emptied = [
        f"new.{name} {dialect.same} {value}"
        for name, value in emptied_columns(part, dialect, "old").items()
    ]
    return " AND ".join(
        [*digest_conditions(part, dialect), f"{salt_half(part, 'new')} = {dialect.zeros}", *emptied]
    )


def digest_conditions(part: str, dialect: Dialect) -> list[str]:
    """The digest of the part as it was sealed comes once, and then stays; where nothing is left,
    nothing more can go.
    """
    digest = f"(old.{part}_digest IS NULL OR new.{part}_digest = old.{part}_digest)"
    return [
        digest,
        f"length(new.{part}_digest) = 32",
        f"{salt_half(part, 'old')} <> {dialect.zeros}",
    ]


def redacted_condition(part: str, dialect: Dialect) -> str:
    """Of each text nothing but words went, with a neutral one in their place; and there is another
    salt.
    """
    cuts = [
        f"new.{name} {dialect.same} old.{name}"
        if name == "ip"
        else (dialect.cut_json if name in JSON_COLUMNS else dialect.cut)(name)
        for name in EVENT_PARTS[part]
    ]
    salts = [
        f"{salt_half(part, 'new')} <> {zeros}" for zeros in (dialect.zeros, salt_half(part, "old"))
    ]
    return " AND ".join([*digest_conditions(part, dialect), *salts, *cuts])


def emptied_columns(part: str, dialect: Dialect, row: str) -> dict[str, str]:
    """What the columns of a part become when its values are erased: the names of changed fields
    stay.
    """
    texts = {name: "NULL" if name == "ip" else "''" for name in EVENT_PARTS[part]}
    return texts | {
        name: dialect.names.replace("COLUMN", f"{row}.{name}")
        for name in JSON_COLUMNS
        if name in texts
    }


def sqlite_trigger_sql(columns: list[str]) -> list[str]:
    same = " AND ".join(
        f"new.{name} IS old.{name}" for name in columns if name not in CHAIN_COLUMNS
    )
    untouched = " AND ".join(
        f"new.{name} IS old.{name}" for name in columns if name not in ERASABLE_COLUMNS
    )
    free = f"NOT EXISTS (SELECT 1 FROM {AUDIT_TABLE} WHERE chain_position = new.chain_position)"
    sealing = f"old.chain_position IS NULL AND new.chain_position IS NOT NULL AND {free} AND {same}"
    allowed = f"({sealing}) OR ({erasure_condition(SQLITE)} AND {untouched})"
    abort = f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY_ERROR}'); END"
    # REPLACE deletes the row in the way without firing the trigger for deletions.
    taken = f"EXISTS (SELECT 1 FROM {AUDIT_TABLE} WHERE id = new.id OR chain_position = new.chain_position)"
    put = f"INSERT INTO {SEARCH_TABLE}(rowid, search_key) VALUES (new.id, new.search_key);"
    take = f"INSERT INTO {SEARCH_TABLE}({SEARCH_TABLE}, rowid, search_key) VALUES ('delete', old.id, old.search_key);"
    return [
        *create_trigger_sql(
            f"{AUDIT_TABLE}_update",
            f"BEFORE UPDATE ON {AUDIT_TABLE} WHEN NOT coalesce({allowed}, 0) {abort}",
        ),
        *create_trigger_sql(f"{AUDIT_TABLE}_delete", f"BEFORE DELETE ON {AUDIT_TABLE} {abort}"),
        *create_trigger_sql(
            f"{AUDIT_TABLE}_replace", f"BEFORE INSERT ON {AUDIT_TABLE} WHEN {taken} {abort}"
        ),
        f"""
        CREATE VIRTUAL TABLE IF NOT EXISTS {SEARCH_TABLE}
        USING fts5(search_key, content='users_user', content_rowid='id', tokenize='trigram')
        """,
        *create_trigger_sql(
            f"{SEARCH_TABLE}_insert", f"AFTER INSERT ON users_user BEGIN {put} END"
        ),
        *create_trigger_sql(
            f"{SEARCH_TABLE}_delete", f"AFTER DELETE ON users_user BEGIN {take} END"
        ),
        *create_trigger_sql(
            f"{SEARCH_TABLE}_update",
            f"AFTER UPDATE OF search_key ON users_user WHEN old.search_key IS NOT new.search_key BEGIN {take} {put} END",
        ),
    ]


def create_trigger_sql(name: str, body: str) -> list[str]:
    return [f"DROP TRIGGER IF EXISTS {name}", f"CREATE TRIGGER {name} {body}"]
