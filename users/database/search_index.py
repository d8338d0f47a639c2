"""The conditions that find accounts by a substring of their search key, with an index."""

from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.db.models.lookups import Exact

# SQLite's trigram index, which triggers maintain.
MATCHING_ROWS = "SELECT rowid FROM users_user_search WHERE users_user_search MATCH %s"
# One account in as many is in PostgreSQL's index user_sample_by_trigram. A prime number, so that
# ids which a sequence with an increment gives out are sampled like all others.
SAMPLE_DIVISOR = 31


def search_condition(word: str, vendor: str) -> Q:
    """Returns the condition that the search key contains `word`, of at least three characters."""
    if vendor == "postgresql":
        return Q(search_key__contains=word)
    phrase = '"' + word.replace('"', '""') + '"'
    return Q(pk__in=RawSQL(MATCHING_ROWS, (phrase,)))  # noqa: S611  the word is a parameter


def in_search_sample() -> Exact:
    """Returns the condition that an account is in the trigram index of a sample."""
    return Exact(F("pk") % SAMPLE_DIVISOR, 0)
