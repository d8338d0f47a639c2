"""SQL conditions for the changes that an erasure may make to a sealed audit event.

An event has two parts: the values of its target and those of its actor. Each may be emptied, or
have words redacted, and keeps the digest that it was sealed with.
"""

# ruff: noqa: S608  the conditions contain only the names below

from collections.abc import Callable
from dataclasses import dataclass

# The columns of an event that an erasure may empty, by part. Each part has one half of the salt.
EVENT_PARTS = {
    "target": ("target_text", "before", "after", "reason", "ticket"),
    "actor": ("actor_text", "ip", "user_agent", "session_id"),
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
# Columns of EVENT_PARTS that are neither text nor JSON: an erasure sets them to NULL, and a
# redaction leaves them.
NON_TEXT_COLUMNS = ("ip", "session_id")
# Replaces words about an erased person in texts about others.
ERASED_TEXT = "[erased]"
# Bytes of chain_salt for each part, in the order of EVENT_PARTS.
SALT_HALF_SIZE = 16


@dataclass(frozen=True)
class Dialect:
    """The expressions that differ between databases."""

    # Operators that compare two values, NULL included.
    same: str
    differs: str
    # The JSON object in COLUMN with all its values set to null.
    without_values: str
    # The value of an erased half of the salt.
    zeros: str
    # Return the condition that a text or JSON column only had words redacted.
    redacted: Callable[[str], str]
    redacted_json: Callable[[str], str]


def like_condition(old: str, new: str) -> str:
    """Returns the PostgreSQL condition that `new` is `old` with words replaced by ERASED_TEXT."""
    escaped = f"replace(replace(replace({new}, '\\', '\\\\'), '%', '\\%'), '_', '\\_')"
    return f"{old} LIKE replace({escaped}, '{ERASED_TEXT}', '%')"


def glob_condition(old: str, new: str) -> str:
    """Returns the SQLite condition that `new` is `old` with words replaced by ERASED_TEXT.

    It uses GLOB, because LIKE ignores case on SQLite.
    """
    escaped = f"replace(replace(replace({new}, '[', '[[]'), '*', '[*]'), '?', '[?]')"
    return f"{old} GLOB replace({escaped}, '[[]{ERASED_TEXT[1:]}', '*')"


def json_glob_condition(column: str) -> str:
    """Returns the SQLite condition that JSON only had words redacted.

    It compares value by value, because another writer may format and escape JSON differently.
    """
    old = f"json_tree(old.{column})"
    new = f"json_tree(new.{column})"
    pairs = f"{old} AS o LEFT JOIN {new} AS n ON n.fullkey = o.fullkey AND n.type = o.type"
    is_redacted = f"coalesce({glob_condition('o.atom', 'n.atom')}, 0)"
    allowed = f"n.fullkey IS NOT NULL AND (n.atom IS o.atom OR {is_redacted})"
    counts = f"(SELECT count(*) FROM {old}) = (SELECT count(*) FROM {new})"
    return f"{counts} AND NOT EXISTS (SELECT 1 FROM {pairs} WHERE NOT ({allowed}))"


POSTGRESQL = Dialect(
    same="IS NOT DISTINCT FROM",
    differs="IS DISTINCT FROM",
    without_values=(
        "(SELECT coalesce(jsonb_object_agg(key, NULL::text), '{}'::jsonb) FROM jsonb_each(COLUMN))"
    ),
    zeros=f"'\\x{'00' * SALT_HALF_SIZE}'::bytea",
    redacted=lambda column: like_condition(f"old.{column}", f"new.{column}"),
    redacted_json=lambda column: like_condition(f"old.{column}::text", f"new.{column}::text"),
)
SQLITE = Dialect(
    same="IS",
    differs="IS NOT",
    without_values="(SELECT json_group_object(key, NULL) FROM json_each(COLUMN))",
    zeros=f"zeroblob({SALT_HALF_SIZE})",
    redacted=lambda column: glob_condition(f"old.{column}", f"new.{column}"),
    redacted_json=json_glob_condition,
)


def erasure_condition(dialect: Dialect) -> str:
    """Returns the condition under which ERASABLE_COLUMNS may change.

    Each part must be unchanged, erased or redacted, and at least one half of the salt must change.
    """
    conditions = [
        "old.chain_position IS NOT NULL",
        "new.erased_at IS NOT NULL",
        "length(new.chain_salt) = length(old.chain_salt)",
    ]
    salts = [
        f"{salt_half(part, 'new')} {dialect.differs} {salt_half(part, 'old')}"
        for part in EVENT_PARTS
    ]
    conditions.append(f"({' OR '.join(salts)})")
    for part in EVENT_PARTS:
        allowed = [
            unchanged_condition(part, dialect),
            erased_condition(part, dialect),
            redacted_condition(part, dialect),
        ]
        conditions.append(f"({' OR '.join(allowed)})")
    return " AND ".join(conditions)


def salt_half(part: str, row: str) -> str:
    start = 1 + SALT_HALF_SIZE * list(EVENT_PARTS).index(part)
    return f"substr({row}.chain_salt, {start}, {SALT_HALF_SIZE})"


def unchanged_condition(part: str, dialect: Dialect) -> str:
    names = (*EVENT_PARTS[part], f"{part}_digest")
    pairs = [(f"new.{name}", f"old.{name}") for name in names]
    pairs.append((salt_half(part, "new"), salt_half(part, "old")))
    return " AND ".join(f"{new} {dialect.same} {old}" for new, old in pairs)


def erased_condition(part: str, dialect: Dialect) -> str:
    conditions = digest_conditions(part, dialect)
    conditions.append(f"{salt_half(part, 'new')} = {dialect.zeros}")
    for name, value in emptied_columns(part, dialect, "old").items():
        conditions.append(f"new.{name} {dialect.same} {value}")
    return " AND ".join(conditions)


def digest_conditions(part: str, dialect: Dialect) -> list[str]:
    """Returns the conditions that a part's digest is set once, and that it is not erased yet."""
    return [
        f"(old.{part}_digest IS NULL OR new.{part}_digest = old.{part}_digest)",
        f"length(new.{part}_digest) = 32",
        f"{salt_half(part, 'old')} <> {dialect.zeros}",
    ]


def redacted_condition(part: str, dialect: Dialect) -> str:
    """Returns the condition that only words were replaced by ERASED_TEXT, and the salt is new."""
    conditions = digest_conditions(part, dialect)
    for salt in (dialect.zeros, salt_half(part, "old")):
        conditions.append(f"{salt_half(part, 'new')} <> {salt}")
    for name in EVENT_PARTS[part]:
        if name in NON_TEXT_COLUMNS:
            conditions.append(f"new.{name} {dialect.same} old.{name}")
        elif name in JSON_COLUMNS:
            conditions.append(dialect.redacted_json(name))
        else:
            conditions.append(dialect.redacted(name))
    return " AND ".join(conditions)


def emptied_columns(part: str, dialect: Dialect, row: str) -> dict[str, str]:
    """Returns the SQL values of the columns of an erased part, by name.

    JSON columns keep their keys: the names of the changed fields.
    """
    emptied = {}
    for name in EVENT_PARTS[part]:
        if name in JSON_COLUMNS:
            emptied[name] = dialect.without_values.replace("COLUMN", f"{row}.{name}")
        else:
            emptied[name] = "NULL" if name in NON_TEXT_COLUMNS else "''"
    return emptied
