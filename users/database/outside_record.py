"""PostgreSQL functions that turn changes without an event into events, at the commit."""

# ruff: noqa: S608  the statements contain only the names below

OUTSIDE_ACTION = "account.changed_outside"
ACCOUNTS_TABLE = "users_user"
GROUP_TABLE = "users_user_groups"
PERMISSION_TABLE = "users_user_user_permissions"
EVENTS_TABLE = "users_auditevent"
# Changes of a transaction without an event so far. Others see none of its rows.
PENDING_TABLE = "users_unrecordedchange"
# Values that are not recorded: "changed" stands for them.
HIDDEN_COLUMNS = ("password",)
# The columns that users.search_keys.derived_columns returns, and its arguments in their order. The
# former are recorded only if the latter stay as they are.
DERIVED_COLUMNS = (
    "search_key",
    "name_key",
    "email_domain",
    "lookalike",
)
DERIVED_FROM = (
    "username",
    "email",
    "first_name",
    "last_name",
    "phone",
)
# By kind: the field of an event, the table and its column, and the names that they refer to.
MEMBERSHIP_NAMES = {
    "role": (
        "groups",
        GROUP_TABLE,
        "group_id",
        "auth_group",
        "name",
    ),
    "permission": (
        "user_permissions",
        PERMISSION_TABLE,
        "permission_id",
        "auth_permission",
        "codename",
    ),
}
# Functions run with the rights of the owner, so that nobody else needs rights on PENDING_TABLE.
# Nobody's temporary table takes the place of a table, no plan reads all events, and each statement
# is planned once.
FUNCTION_HEAD = (
    "LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp "
    "SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET \"TimeZone\" = 'UTC'"
)
# A visible row of a transaction that is in progress was written by this one, or by a savepoint of
# it. The other 32 bits of the number are those of the current transaction. Old rows are left out,
# because the numbers of their transactions may have been used again.
CURRENT_XID = "pg_current_xact_id()::text::bigint"
OWN_EVENT = f"""CASE WHEN e.at > transaction_timestamp() - interval '1 hour' THEN
    e.xmin = pg_current_xact_id()::xid OR pg_xact_status(({CURRENT_XID}
        + ((e.xmin::text::bigint - {CURRENT_XID} + 2147483648) & 4294967295)
        - 2147483648)::text::xid8) = 'in progress'
    ELSE false END"""
# Events of an account that are looked at, of which it may have hundreds of thousands.
NEWEST_EVENTS = 100
# True if this transaction has recorded an event about an account, else NULL. A scalar subquery
# stays one scan of an index for each account.
EVENT_OF_ACCOUNT = f"""(SELECT true FROM (
        SELECT h.at, h.action, h.xmin FROM {EVENTS_TABLE} h
        WHERE h.target_id = {{account}} AND h.action <> 'denied'
        ORDER BY h.id DESC LIMIT {NEWEST_EVENTS}
    ) e WHERE e.action <> '{OUTSIDE_ACTION}' AND {OWN_EVENT} LIMIT 1)"""
# Same as users.bulk.json_functions.JSON_TIME_POSTGRESQL, which tests compare.
JSON_TIME = """CASE WHEN {0} IS NOT NULL THEN to_char({0}, 'YYYY-MM-DD"T"HH24:MI:SS')
    || CASE WHEN date_trunc('second', {0}) = {0} THEN '' ELSE to_char({0}, '.MS') END || 'Z' END"""
EMPTY_VALUES = """('null', '""', 'false', '{}', '0')"""
# Who is connected. The role is the one that signed in, whatever SET ROLE says.
ORIGIN = {
    "at": "statement_timestamp()",
    "actor_text": "'database role ' || session_user",
    "action": f"'{OUTSIDE_ACTION}'",
    "ip": "inet_client_addr()",
    "user_agent": "left(current_setting('application_name'), 400)",
    "reason": "''",
    "ticket": "''",
    "request_id": "''",
}

EVENT_VALUES = {
    "target_id": "account_id",
    "target_text": "username",
    "target_version": "version",
    "before": "before",
    "after": "after",
}
# No two of these queries are joined: the planner expects few rows, and would compare each with all.
# Values are materialized, so that each is built once and not again for each key.
RECORD_SQL = f"""
    WITH pending AS (
        DELETE FROM {PENDING_TABLE} WHERE id >= NEW.id
        RETURNING id, account_id, kind, old_row, item_id
    ), accounts AS (
        SELECT account_id, {{items}},
            (array_agg(kind ORDER BY id) FILTER (WHERE item_id IS NULL))[1] AS kind,
            (array_agg(old_row ORDER BY id) FILTER (WHERE item_id IS NULL))[1] AS old_row
        FROM pending GROUP BY account_id
    ), states AS MATERIALIZED (
        SELECT f.account_id, n.id IS NULL AS is_gone,
            coalesce(n.username, o.username, '') AS username, {{states}}
        FROM accounts f
        LEFT JOIN {ACCOUNTS_TABLE} n ON n.id = f.account_id
        LEFT JOIN LATERAL jsonb_populate_record(NULL::{ACCOUNTS_TABLE}, f.old_row) o ON true
    ), differences AS (
        SELECT account_id, is_gone, username, {{before}} AS before, {{after}} AS after FROM states
    ), raised AS (
        UPDATE {ACCOUNTS_TABLE} u
        SET version = u.version + 1, updated_at = statement_timestamp()
        FROM differences d
        WHERE u.id = d.account_id AND (d.before <> '{{{{}}}}' OR d.after <> '{{{{}}}}')
        RETURNING d.account_id, d.username, u.version, d.before, d.after
    ), recorded AS (
        SELECT * FROM raised
        UNION ALL
        SELECT account_id, username, NULL, before, after FROM differences
        WHERE is_gone AND (before <> '{{{{}}}}' OR after <> '{{{{}}}}')
    )
    INSERT INTO {EVENTS_TABLE} ({{columns}}) SELECT {{values}} FROM recorded ORDER BY account_id
"""


def record_function(columns: dict[str, bool], head: str) -> str:
    """Returns the deferred trigger's function. `columns`: those that are recorded, and whether each
    is a time.

    Rows of other transactions are not visible to it. Most changes have an event by now, so the
    long statement is rarely planned.
    """
    return f"""
        CREATE OR REPLACE FUNCTION {PENDING_TABLE}_record() RETURNS trigger {head} AS $$
        BEGIN
            DELETE FROM {PENDING_TABLE} p
            WHERE p.id >= NEW.id AND {EVENT_OF_ACCOUNT.format(account="p.account_id")};
            IF EXISTS (SELECT FROM {PENDING_TABLE} WHERE id >= NEW.id) THEN
                {record_statement(columns)};
            END IF;
            RETURN NULL;
        END $$
    """


def record_statement(columns: dict[str, bool]) -> str:
    """Returns the statement that writes an event for each account with a difference between the
    beginning of the transaction and its end, and raises the version of the account.
    """
    values = ORIGIN | EVENT_VALUES
    items = [item_arrays(kind) for kind in MEMBERSHIP_NAMES]
    states = account_states(columns)
    for kind in MEMBERSHIP_NAMES:
        states |= membership_states(kind)
    pairs = [("was", "now"), *((f"{kind}_was", f"{kind}_now") for kind in MEMBERSHIP_NAMES)]
    before = [changed_keys(was, now) for was, now in pairs]
    after = [changed_keys(now, was) for was, now in pairs]
    return RECORD_SQL.format(
        items=", ".join(items),
        states=", ".join(f"{value} AS {name}" for name, value in states.items()),
        before=" || ".join(before),
        after=" || ".join([*after, "hidden"]),
        columns=", ".join(values),
        values=", ".join(values.values()),
    )


def item_arrays(kind: str) -> str:
    """Returns the aggregates of the ids of an account's added and removed roles or permissions,
    and the names of the removed ones.
    """
    aggregates = []
    for change in ("added", "removed"):
        name = f"{kind}_{change}"
        found = f"array_agg(item_id ORDER BY id) FILTER (WHERE kind = '{name}')"
        aggregates.append(f"coalesce({found}, '{{}}') AS {name}")
    noted = f"array_agg(old_row #>> '{{}}' ORDER BY id) FILTER (WHERE kind = '{kind}_removed')"
    aggregates.append(f"coalesce({noted}, '{{}}') AS {kind}_names")
    return ", ".join(aggregates)


def account_states(columns: dict[str, bool]) -> dict[str, str]:
    """Returns the expressions of each account's values at the beginning (`was`) and now, as JSON:
    empty for an account that was not there, or whose row has not changed.
    """
    is_gone = "f.kind IS NULL OR n.id IS NULL"
    return {
        "was": f"CASE WHEN f.old_row IS NULL THEN '{{}}' ELSE {row_json('o', columns)} END",
        "now": f"CASE WHEN {is_gone} THEN '{{}}' ELSE {row_json('n', columns)} END",
        "hidden": hidden_changes(),
    }


def row_json(row: str, columns: dict[str, bool]) -> str:
    """Returns the expression of a row's values as the JSON of an event."""
    pairs = []
    for name, is_time in columns.items():
        if name not in (*HIDDEN_COLUMNS, *DERIVED_COLUMNS):
            column = f"{row}.{name}"
            pairs.append(f"'{name}', {JSON_TIME.format(column) if is_time else column}")
    return f"jsonb_build_object({', '.join(pairs)})"


def stored_row(row: str) -> str:
    """Returns the expression of the copy of a row as JSON. The file of PENDING_TABLE keeps it until
    a vacuum, so digests stand in it for values that are not recorded.
    """
    pairs = [f"'{name}', {hidden_digest(f'{row}.{name}')}" for name in HIDDEN_COLUMNS]
    return f"to_jsonb({row}) || jsonb_build_object({', '.join(pairs)})"


def hidden_digest(column: str) -> str:
    return f"encode(sha256(convert_to({column}, 'UTF8')), 'hex')"


def hidden_changes() -> str:
    """Returns the expression of a JSON object with "changed" for each changed value that an event
    does not record.
    """
    sources = [f"o.{name} IS NOT DISTINCT FROM n.{name}" for name in DERIVED_FROM]
    pairs = []
    for name in (*HIDDEN_COLUMNS, *DERIVED_COLUMNS):
        now = hidden_digest(f"n.{name}") if name in HIDDEN_COLUMNS else f"n.{name}"
        conditions = [f"o.{name} IS DISTINCT FROM {now}"]
        if name in DERIVED_COLUMNS:
            conditions += sources
        pairs.append(f"'{name}', CASE WHEN {' AND '.join(conditions)} THEN 'changed' END")
    listed = f"jsonb_strip_nulls(jsonb_build_object({', '.join(pairs)}))"
    return f"CASE WHEN f.old_row IS NOT NULL AND n.id IS NOT NULL THEN {listed} ELSE '{{}}' END"


def changed_keys(of: str, other: str) -> str:
    """Returns the expression of the values in the JSON object `of` that differ in `other`. All are
    recorded but empty ones, if the account was not there.
    """
    return f"""(SELECT coalesce(jsonb_object_agg(key, value), '{{}}') FROM jsonb_each({of})
        WHERE value IS DISTINCT FROM {other} -> key
            AND ({other} <> '{{}}' OR value NOT IN {EMPTY_VALUES}))"""


def membership_states(kind: str) -> dict[str, str]:
    """Returns the expressions of all names of an account's roles or permissions at the beginning
    and now, as JSON: empty if none was added or removed.

    Something added and removed again cancels out.
    """
    field, table, column, _, label = MEMBERSHIP_NAMES[kind]
    now = f"x.id IN (SELECT m.{column} FROM {table} m WHERE m.user_id = f.account_id)"
    added = f"cardinality(array_positions(f.{kind}_added, x.id::bigint))"
    removed = f"cardinality(array_positions(f.{kind}_removed, x.id::bigint))"
    conditions = {
        f"{kind}_was": f"({now})::integer - {added} + {removed} = 1",
        f"{kind}_now": now,
    }
    unchanged = f"f.{kind}_added = '{{}}' AND f.{kind}_removed = '{{}}'"
    source = named_items(kind)
    states = {}
    for name, condition in conditions.items():
        listed = f"jsonb_build_object('{field}', {names_json(source, label, condition)})"
        states[name] = f"CASE WHEN {unchanged} THEN '{{}}' ELSE {listed} END"
    return states


def named_items(kind: str) -> str:
    """Returns the subquery of the ids and names of all roles or permissions, and of removed ones
    that the transaction has deleted.
    """
    _, _, _, names, label = MEMBERSHIP_NAMES[kind]
    return f"""(
        SELECT id::bigint, {label} FROM {names}
        UNION ALL
        SELECT DISTINCT g.id, g.{label}
        FROM unnest(f.{kind}_removed, f.{kind}_names) AS g(id, {label})
        WHERE NOT EXISTS (SELECT FROM {names} kept WHERE kept.id = g.id)
    )"""


def names_json(table: str, label: str, condition: str) -> str:
    """Returns the expression of the sorted names of the rows for which the condition is true."""
    names = f'jsonb_agg(x.{label} ORDER BY x.{label} COLLATE "C")'
    return f"(SELECT coalesce({names}, '[]') FROM {table} x WHERE {condition})"


def truncation_function(head: str) -> str:
    """Returns the function that records a TRUNCATE. It knows no rows, so it counts them."""
    values = ORIGIN | {
        "target_text": "''",
        "before": "jsonb_build_object('table', TG_TABLE_NAME, 'rows', removed)",
        "after": "jsonb_build_object('rows', 0)",
    }
    return f"""
        CREATE OR REPLACE FUNCTION {PENDING_TABLE}_truncation() RETURNS trigger {head} AS $$
        DECLARE
            removed bigint;
        BEGIN
            EXECUTE format('SELECT count(*) FROM %I', TG_TABLE_NAME) INTO removed;
            INSERT INTO {EVENTS_TABLE} ({", ".join(values)}) VALUES ({", ".join(values.values())});
            RETURN NULL;
        END $$
    """
