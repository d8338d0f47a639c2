"""The search keys of a sample of accounts, which show how to use the trigram index.

The index has an entry for each trigram of each account, and a search reads the entries of all its
trigrams. PostgreSQL does not know how many there are before it has read them.

Each process keeps a sample for a minute, since it only decides how a page is read.
The gain of that is measured as `sample-memory` in docs/benchmarks.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain
from operator import and_
from time import monotonic

from django.db import connections

from users.database.prepared_statements import prepared_cursor
from users.directory.query import limits
from users.directory.search import TRIGRAM_LENGTH

# The number of terms that a sample remembers.
KNOWN_TERMS = 2_000
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
    # For each known term a number whose bits tell which of the keys contain it.
    known: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    def estimate(self, terms: Sequence[str]) -> float:
        """Returns the approximate number of accounts whose search key contains all `terms`."""
        keys = reduce(and_, map(self.keys_with, terms))
        return self.scale * keys.bit_count()

    def keys_with(self, term: str) -> int:
        """Returns a number with a bit for each key, which is 1 if the key contains `term`."""
        found = self.known.get(term)
        if found is None:
            bits = ["01"[term in key] for key in self.keys]
            found = int("".join(bits) or "0", base=2)
            if len(self.known) >= KNOWN_TERMS:
                self.known.clear()
            self.known[term] = found
        return found

    def lookup_trigrams(self, terms: Sequence[str], limit: int) -> tuple[str, ...]:
        """Returns the trigrams to look up to find `limit` accounts that contain all `terms`, rarest
        first.

        Each excludes accounts that take longer to read than its entries in the index do.
        """
        trigrams = set(chain.from_iterable(map(split_trigrams, terms)))
        everyone = max(1, self.scale * len(self.keys))
        # The part of the accounts found by trigrams that is read until there are enough.
        needed = min(1, limit / max(1, self.estimate(terms)))
        cost = limits.FOUND_COST + limits.READ_COST * needed
        chosen: list[str] = []
        number = everyone
        for trigram in sorted(trigrams, key=lambda trigram: (self.estimate([trigram]), trigram)):
            entries = self.estimate([trigram])
            remaining = self.estimate([*chosen, trigram])
            if not remaining:
                # No key of the sample contains all of them, but some accounts may.
                remaining = number * max(entries, self.scale) / everyone
            if not chosen or cost * (number - remaining) > entries:
                chosen.append(trigram)
                number = remaining
        return tuple(chosen)


class SampleMemory:
    """The samples that this process has read in the last SAMPLE_SECONDS, by database and column."""

    def __init__(self) -> None:
        self.samples: dict[tuple[str, ...], tuple[float, KeySample]] = {}

    def clear(self) -> None:
        self.samples.clear()

    def get(
        self, database: str, *, table: str = "users_user", column: str = "search_key"
    ) -> KeySample:
        """Returns the sample of a column, read from the database if necessary."""
        place = (database, table, column)
        read_at, sample = self.samples.get(place, (0.0, None))
        now = monotonic()
        if sample is None or now - read_at > limits.SAMPLE_SECONDS:
            sample = read_key_sample(database, table=table, column=column)
            self.samples[place] = now, sample
        return sample


SAMPLE_MEMORY = SampleMemory()


def read_key_sample(database: str, *, table: str, column: str) -> KeySample:
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
    """Returns the trigrams inside `text` that pg_trgm looks up as they are; all if there are none.

    Of one with a gap in the middle, such as "d n" in "ed ng", it looks up only the beginning of a
    word, "n", which nearly all accounts have.
    """
    starts = range(len(text) - TRIGRAM_LENGTH + 1)
    trigrams = [text[start : start + TRIGRAM_LENGTH] for start in starts]
    return [trigram for trigram in trigrams if trigram[1].isalnum()] or trigrams
