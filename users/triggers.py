"""What the database itself sees to: audit events are append-only, and SQLite's search index follows the accounts.

Migrations install these. On SQLite they are installed again after every migrate, because Django rebuilds a table there
to alter it and a rebuilt table has lost its triggers.
"""

# ruff: noqa: S608  what is put into the statements are the names below

AUDIT = "users_auditevent"
SEARCH = "users_user_search"
CHAIN = ("chain_position", "chain_salt", "chain_previous", "chain_hash")
REFUSAL = "audit events are append-only"


def install(connection) -> None:
    """Makes or replaces all triggers, and the search index that they fill. Repeating it changes nothing."""
    statements = {"postgresql": postgresql_statements, "sqlite": sqlite_statements}[connection.vendor]
    with connection.cursor() as cursor:
        columns = [column.name for column in connection.introspection.get_table_description(cursor, AUDIT)]
        behind = connection.vendor == "sqlite" and not follows(cursor)
        for statement in statements(columns):
            cursor.execute(statement)
        if behind:
            cursor.execute(f"INSERT INTO {SEARCH}({SEARCH}) VALUES ('rebuild')")


def follows(cursor) -> bool:
    """Whether SQLite's search index has its triggers; without them it has missed what was written since."""
    cursor.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s", [f"{SEARCH}%"])
    return cursor.fetchone()[0] == 3


def install_again(using: str = "default", **_: object) -> None:
    from django.db import connections

    if connections[using].vendor == "sqlite":
        install(connections[using])


def postgresql_statements(columns: list[str]) -> list[str]:
    chain = ", ".join(f"'{name}'" for name in CHAIN)
    return [
        f"""
        CREATE OR REPLACE FUNCTION {AUDIT}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            -- The one change allowed: an event that is not sealed yet takes its place in the chain.
            IF TG_OP = 'UPDATE' THEN
                IF OLD.chain_position IS NULL AND NEW.chain_position IS NOT NULL
                   AND to_jsonb(NEW) - ARRAY[{chain}] = to_jsonb(OLD) - ARRAY[{chain}] THEN
                    RETURN NEW;
                END IF;
            END IF;
            RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'insufficient_privilege';
        END $$
        """,
        f"""
        CREATE OR REPLACE TRIGGER {AUDIT}_row BEFORE UPDATE OR DELETE ON {AUDIT}
        FOR EACH ROW EXECUTE FUNCTION {AUDIT}_append_only()
        """,
        f"""
        CREATE OR REPLACE TRIGGER {AUDIT}_table BEFORE TRUNCATE ON {AUDIT}
        FOR EACH STATEMENT EXECUTE FUNCTION {AUDIT}_append_only()
        """,
    ]


def sqlite_statements(columns: list[str]) -> list[str]:
    same = " AND ".join(f"new.{name} IS old.{name}" for name in columns if name not in CHAIN)
    free = f"NOT EXISTS (SELECT 1 FROM {AUDIT} WHERE chain_position = new.chain_position)"
    sealing = f"old.chain_position IS NULL AND new.chain_position IS NOT NULL AND {free} AND {same}"
    abort = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    # REPLACE deletes the row in the way without firing the trigger for deletions.
    taken = f"EXISTS (SELECT 1 FROM {AUDIT} WHERE id = new.id OR chain_position = new.chain_position)"
    put = f"INSERT INTO {SEARCH}(rowid, search_key) VALUES (new.id, new.search_key);"
    take = f"INSERT INTO {SEARCH}({SEARCH}, rowid, search_key) VALUES ('delete', old.id, old.search_key);"
    return [
        *trigger(f"{AUDIT}_update", f"BEFORE UPDATE ON {AUDIT} WHEN NOT ({sealing}) {abort}"),
        *trigger(f"{AUDIT}_delete", f"BEFORE DELETE ON {AUDIT} {abort}"),
        *trigger(f"{AUDIT}_replace", f"BEFORE INSERT ON {AUDIT} WHEN {taken} {abort}"),
        f"""
        CREATE VIRTUAL TABLE IF NOT EXISTS {SEARCH}
        USING fts5(search_key, content='users_user', content_rowid='id', tokenize='trigram')
        """,
        *trigger(f"{SEARCH}_insert", f"AFTER INSERT ON users_user BEGIN {put} END"),
        *trigger(f"{SEARCH}_delete", f"AFTER DELETE ON users_user BEGIN {take} END"),
        *trigger(
            f"{SEARCH}_update",
            f"AFTER UPDATE OF search_key ON users_user WHEN old.search_key IS NOT new.search_key BEGIN {take} {put} END",
        ),
    ]


def trigger(name: str, body: str) -> list[str]:
    return [f"DROP TRIGGER IF EXISTS {name}", f"CREATE TRIGGER {name} {body}"]
