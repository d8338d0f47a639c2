"""Looks up the lines of a pasted list: one statement for each column of the account and 20,000
keys, each of which is a probe of that column's index. So 100,000 lines take as long in a table of
ten million accounts as in a small one.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice

from django.db import connection

from users.directory.lists.line_keys import Key, fallback_keys, first_keys
from users.directory.lists.models import LineKind
from users.models import User

# Accounts that are read for a key: the first of many people with one name.
CANDIDATES_MAX = 10
# Keys in one statement, so that none takes long.
BATCH_KEYS = 20_000
# The comparisons of an account `a` with a key, in the form of the indexes.
LOOKUP_CONDITIONS = {
    "id": "a.id = keys.key",
    "email": "LOWER(a.email) = keys.key",
    "username": "a.username = keys.key",
    "phone": "a.phone = keys.key AND NOT (a.phone = '')",
    "source_id": "a.source_id = keys.key AND NOT (a.source_id = '')",
    "name": "a.name_key = keys.key",
}
LOOKUP_SQL = {
    # The limit makes each key a probe of the index: no other plan can honour it.
    "postgresql": """
        SELECT keys.key, found.id FROM unnest(%s::{type}[]) AS keys (key) CROSS JOIN LATERAL (
            SELECT a.id FROM {table} AS a WHERE {condition} LIMIT {limit}
        ) AS found
    """,
    "sqlite": """
        WITH keys (key) AS (SELECT CAST(value AS {type}) FROM json_each(%s))
        SELECT keys.key, a.id FROM keys CROSS JOIN {table} AS a WHERE {condition}
    """,
}
# For each line, the ids of the accounts that it may mean, in ascending order. The garbage collector
# does not track tuples of integers.
Candidates = list[tuple[int, ...]]


def look_up_lines(texts: Sequence[str], kind: LineKind) -> Candidates:
    """Returns the candidates of each line."""
    found = resolve_keys([first_keys(text, kind) for text in texts])
    left = [index for index, ids in enumerate(found) if not ids]
    later = resolve_keys([fallback_keys(texts[index], kind) for index in left])
    for index, ids in zip(left, later, strict=True):
        found[index] = ids
    return found


def resolve_keys(keys_of_lines: list[list[Key]]) -> Candidates:
    """Returns the accounts that have one of the keys of each line."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for keys in keys_of_lines:
        for column, key in keys:
            wanted[column].add(key)
    holders: dict[Key, tuple[int, ...]] = {}
    for column, distinct in wanted.items():
        for name, account_id in accounts_with_keys(column, distinct):
            found: Key = (column, name)
            holders[found] = (*holders.get(found, ()), account_id)
    return [merge_holders(keys, holders) for keys in keys_of_lines]


def merge_holders(keys: list[Key], holders: dict[Key, tuple[int, ...]]) -> tuple[int, ...]:
    """Returns the accounts that have one of the keys."""
    found: tuple[int, ...] = ()
    for key in keys:
        found += holders.get(key, ())
    if len(found) < 2:
        return found
    distinct = sorted(set(found))
    return tuple(distinct[:CANDIDATES_MAX])


def accounts_with_keys(column: str, keys: Iterable[str]) -> Iterable[tuple[str, int]]:
    """Yields each key that an account has in this column, with the id of the account."""
    vendor = connection.vendor
    statement = LOOKUP_SQL[vendor].format(
        type="bigint" if column == "id" else "text",
        table=User._meta.db_table,
        condition=LOOKUP_CONDITIONS[column],
        limit=CANDIDATES_MAX,
    )
    # In order, so that neighbours in the index are read together.
    ordered = iter(sorted(keys))
    while batch := list(islice(ordered, BATCH_KEYS)):
        param = batch if vendor == "postgresql" else json.dumps(batch)
        with connection.cursor() as cursor:
            cursor.execute(statement, [param])
            for key, account_id in cursor.fetchall():
                yield str(key), account_id
