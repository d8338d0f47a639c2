"""The search keys of a sample of accounts, which show how to use the trigram index.

The index has an entry for each trigram of each account, and a search reads the entries of all its
trigrams. PostgreSQL does not know how many there are before it has read them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connections

from users.database.prepared_statements import prepared_cursor
from users.directory.query import limits
from users.directory.search import TRIGRAM_LENGTH

# The keys on every page of the table whose number is a multiple of a power of two, so that growing
# by a page changes nothing. TABLESAMPLE would visit the number of every page, which takes 2 ms for
# ten million accounts. LIMIT ALL keeps the inner SELECT apart, so that it reads one page. One long
# text, with a blank line between two keys, takes half the time of an array.
KEYS_SQL = """
    WITH file AS (
        SELECT pg_relation_size('{table}') / current_setting('block_size')::int AS pages
    ), step AS MATERIALIZED (
        SELECT pages, 2 ^ FLOOR(LOG(2, GREATEST(1, pages / {pages}.0))) AS stride FROM file
    )
    SELECT MAX(stride)::float, string_agg({column}, E'\\n\\n')
    FROM step
    CROSS JOIN generate_series(0, pages - 1, stride::bigint) AS page
    CROSS JOIN LATERAL (
        SELECT {column} FROM {table}
        WHERE ctid >= ('(' || page || ',0)')::tid AND ctid < ('(' || page + 1 || ',0)')::tid
        LIMIT ALL
    ) AS account
"""


@dataclass(frozen=True)
class KeySample:
    """Search keys of some accounts. `scale`: the size of the table divided by the sample's."""

    keys: list[str]
    scale: float

    def estimate(self, terms: Sequence[str]) -> float:
        """Returns the approximate number of accounts whose search key contains all `terms`."""
        keys = self.keys
        for term in terms:
            keys = [key for key in keys if term in key]
        return self.scale * len(keys)

    def cheap_terms(self, terms: Sequence[str]) -> tuple[str, ...]:
        """Returns what to look up to find the accounts that contain all `terms`, and few others.

        Very common terms are left out beside rarer ones: to read their entries takes longer than
        to check the accounts with the rarer ones, unless these are too many.
        """
        rarer = [term for term in terms if self.estimate([term]) <= limits.BROAD_WORD_LIMIT]
        if not rarer or self.estimate(rarer) > limits.UNCHECKED_LIMIT:
            rarer = list(terms)
        return tuple(self.cheap_term(term) for term in rarer)

    def cheap_term(self, term: str) -> str:
        """Returns the rarest trigram of a common term, or the longest part of the term without very
        common trigrams, if hardly any other accounts contain it; otherwise the term.
        """
        trigrams = split_trigrams(term)
        number = self.estimate([term])
        allowed = max(limits.TRIGRAM_EXCESS * number, limits.CANDIDATE_LIMIT)
        if number > limits.MANY_CANDIDATES:
            estimates = {trigram: self.estimate([trigram]) for trigram in trigrams}
            rarest = min(estimates, key=estimates.__getitem__)
            if estimates[rarest] <= allowed:
                return rarest
        part = longest_part(term, without=filter(self.is_broad_trigram, trigrams))
        return part if self.estimate([part]) <= allowed else term

    def is_broad_trigram(self, trigram: str) -> bool:
        # A quarter of the keys is enough for these.
        quarter = KeySample(self.keys[::4], 4 * self.scale)
        return quarter.estimate([trigram]) > limits.BROAD_TRIGRAM_LIMIT


def read_key_sample(
    database: str, *, table: str = "users_user", column: str = "search_key"
) -> KeySample:
    """Returns the keys in a column of a sample of a table."""
    statement = KEYS_SQL.format(
        pages=limits.PROBE_PAGES,
        table=table,
        column=column,
    )
    with prepared_cursor(connections[database]) as cursor:
        cursor.execute(statement)
        scale, keys = cursor.fetchone()
    return KeySample(keys.split("\n\n"), scale) if keys else KeySample([], 1)


def split_trigrams(text: str) -> list[str]:
    """Returns the trigrams inside `text`."""
    starts = range(len(text) - TRIGRAM_LENGTH + 1)
    return [text[start : start + TRIGRAM_LENGTH] for start in starts]


def longest_part(text: str, without: Iterable[str]) -> str:
    """Returns the longest part of `text` that has no trigram of `without`; or `text` if none is."""
    excluded = set(without)
    parts = [""]
    for trigram in split_trigrams(text):
        if trigram in excluded:
            parts.append("")
        else:
            parts[-1] = parts[-1] + trigram[-1] if parts[-1] else trigram
    return max(parts, key=len) or text
