"""The condition that finds accounts by a part of their search key, with an index."""

from django.db.models import Q
from django.db.models.expressions import RawSQL

# The trigram index of SQLite, which triggers fill.
MATCHING_ROWS = "SELECT rowid FROM users_user_search WHERE users_user_search MATCH %s"


def search_condition(word: str, vendor: str) -> Q:
    """Accounts whose search key contains `word`, which has three characters or more."""
    if vendor == "postgresql":
        return Q(search_key__contains=word)
    phrase = '"' + word.replace('"', '""') + '"'
    return Q(pk__in=RawSQL(MATCHING_ROWS, (phrase,)))  # noqa: S611  the word is a parameter
