"""Finds former values that contain the words of a search.

A former value holds one of the words; the others may stand in it or in the current values of its
account. So "kim doe" finds Kim Smith, whose last name was Doe. Each long word is looked up by
itself. PostgreSQL reads the trigram index unless a sample of keys shows that too many values have
the word: then only the newest values are searched. SQLite has no such index here, and searches the
newest ones too.
"""

# ruff: noqa: S608  the statements contain only constants

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connections

from users.audit.former_rows import (
    FORMER_COLUMNS,
    FormerRow,
    read_database,
    read_former_rows,
    union_all,
)
from users.audit.former_values import FormerValue
from users.database.prepared_statements import SqlWithParams
from users.directory.query import limits
from users.directory.query.key_sample import SAMPLE_MEMORY, KeySample
from users.directory.search import TRIGRAM_LENGTH, trigram_parts

TABLE = "users_formervalue"
CONTAINS = "{} LIKE %s ESCAPE '\\'"
NEWEST = f"SELECT * FROM {TABLE} ORDER BY event_id DESC, field DESC LIMIT %s"


@dataclass(frozen=True)
class FoundValues:
    """Former values, the newest first. `capped`: more values were not searched."""

    rows: tuple[FormerRow, ...] = ()
    capped: bool = False


@dataclass(frozen=True)
class WordLookup:
    """How the values with one word are looked up. `trigrams`: what is looked up in the trigram
    index to find those with `terms`; without any, the newest values are read. `is_complete`: no
    value can be missed.
    """

    word: str
    trigrams: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    scanned: int = 0
    is_complete: bool = False


def find_former_values(
    words: Collection[str], *, limit: int, without: Collection[int] = ()
) -> FoundValues:
    """Returns at most `limit` former values that contain the words, whose normal form is that of
    search keys. `without`: ids of accounts to leave out.
    """
    long_words = [word for word in words if len(word) >= TRIGRAM_LENGTH]
    lookups = plan_lookups(long_words[: limits.FORMER_WORDS])
    if not lookups:
        return FoundValues()
    capped = not all(lookup.is_complete for lookup in lookups)
    if len(words) == 1:
        found = newest_sql(lookup_sql(lookups[0], limits.CANDIDATE_LIMIT), limit, without)
        return FoundValues(tuple(read_former_rows(found, limit)), capped)
    found = candidates_sql(lookups)
    condition = words_condition(words, without)
    return FoundValues(tuple(read_former_rows(found, limit, condition)), capped)


def plan_lookups(words: list[str]) -> list[WordLookup]:
    """Returns how to look up each of the words."""
    database = read_database()
    if not words:
        return []
    if connections[database].vendor != "postgresql":
        return plan_scans(words)
    sample = SAMPLE_MEMORY.get(database, table=TABLE, column="key")
    return [plan_lookup(word, sample) for word in words]


def plan_scans(words: list[str]) -> list[WordLookup]:
    """Returns look-ups that read the newest values, on SQLite."""
    scanned = limits.FORMER_SQLITE_SCAN
    all_read = FormerValue.objects.order_by()[: scanned + 1].count() <= scanned
    return [WordLookup(word, scanned=scanned, is_complete=all_read) for word in words]


def plan_lookup(word: str, sample: KeySample) -> WordLookup:
    terms = tuple(trigram_parts(word))
    if sample.estimate(terms) > limits.FORMER_WORD_LIMIT:
        return WordLookup(word, scanned=limits.SCAN_LIMIT)
    trigrams = sample.lookup_trigrams(terms, limits.CANDIDATE_LIMIT)
    return WordLookup(word, trigrams=trigrams, terms=terms, is_complete=True)


def lookup_sql(lookup: WordLookup, limit: int) -> SqlWithParams:
    """Returns the SELECT of the values with a word, at most `limit`.

    The terms are not looked up: by LIKE, PostgreSQL would read the entries of all their trigrams.
    """
    if lookup.trigrams:
        looked_up = [CONTAINS.format("key")] * len(lookup.trigrams)
        checked = ["strpos(key, %s) > 0"] * len(lookup.terms)
        source = f"SELECT * FROM {TABLE} WHERE {' AND '.join([*looked_up, *checked])} LIMIT %s"
        params: tuple[Any, ...] = (*map(like_pattern, lookup.trigrams), *lookup.terms, limit)
    else:
        source = NEWEST
        params = (lookup.scanned,)
    matches = f"SELECT {FORMER_COLUMNS} FROM ({source}) AS source WHERE {CONTAINS.format('key')}"
    return matches, (*params, like_pattern(lookup.word))


def newest_sql(found: SqlWithParams, limit: int, without: Collection[int]) -> SqlWithParams:
    """Returns the SELECT of the newest rows, so that few accounts are read."""
    sql, params = found
    condition, ids = excluding("account_id", without)
    clause = f"WHERE {condition} ORDER BY event_id DESC LIMIT %s"
    return f"SELECT * FROM ({sql}) AS found {clause}", (*params, *ids, limit)


def candidates_sql(lookups: list[WordLookup]) -> SqlWithParams:
    """Returns the SELECT of the values with one of several words, each row once."""
    branches = [lookup_sql(lookup, limits.CANDIDATE_SAMPLE) for lookup in lookups]
    found = union_all([sql for sql, _ in branches])
    params = tuple(param for _, own in branches for param in own)
    return f"SELECT DISTINCT {FORMER_COLUMNS} FROM ({found}) AS candidates", params


def words_condition(words: Collection[str], without: Collection[int]) -> SqlWithParams:
    """Returns the WHERE clause for all words, in the value or in its account."""
    either = f"({CONTAINS.format('former.key')} OR {CONTAINS.format('account.search_key')})"
    excluded, ids = excluding("former.account_id", without)
    conditions = [excluded, *[either] * len(words)]
    patterns = [pattern for word in words for pattern in [like_pattern(word)] * 2]
    return f"WHERE {' AND '.join(conditions)}", (*ids, *patterns)


def excluding(column: str, without: Collection[int]) -> SqlWithParams:
    """Returns a condition that leaves out some accounts."""
    placeholders = ", ".join(["%s"] * len(without))
    return f"{column} NOT IN ({placeholders})" if without else "TRUE", tuple(without)


def like_pattern(text: str) -> str:
    """Returns the pattern of LIKE for texts that contain `text`."""
    for char in "\\%_":
        text = text.replace(char, f"\\{char}")
    return f"%{text}%"
