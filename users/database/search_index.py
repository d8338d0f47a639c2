"""The condition that finds accounts by a substring of their search key, with an index."""

from django.db.models import Q
from django.db.models.expressions import RawSQL

# SQLite's trigram index, which triggers maintain.
MATCHING_ROWS = "SELECT rowid FROM users_user_search WHERE users_user_search MATCH %s"


def search_condition(word: str, vendor: str) -> Q:
    """Returns the condition that the search key contains `word`, of at least three characters."""
    if vendor == "postgresql":
        return Q(search_key__contains=word)
    phrase = '"' + word.replace('"', '""') + '"'
    return Q(pk__in=RawSQL(MATCHING_ROWS, (phrase,)))  # noqa: S611  the word is a parameter
