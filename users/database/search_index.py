""""""

from django.db.models import Q
from django.db.models.expressions import RawSQL


def search_condition(word: str, vendor: str) -> Q:
    if vendor == "postgresql":
        return Q(search_key__contains=word)
    phrase = '"' + word.replace('"', '""') + '"'
    return Q(
        pk__in=RawSQL(
            "SELECT rowid FROM users_user_search WHERE users_user_search MATCH %s", (phrase,)
        )
    )
