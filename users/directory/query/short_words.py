"""SQL that finds accounts by words of one or two characters, which a username, email address or
name begins with.
"""

# ruff: noqa: S608, S611  the ORM compiles the parts of the statements

from django.db.models import Q
from django.db.models.expressions import RawSQL

from users.database.compiled_sql import compile_queryset
from users.database.prepared_statements import SqlWithParams
from users.directory.query import limits
from users.directory.query.account_reader import listed_sql
from users.directory.query.samples import SampleQuery, exceeds_sql
from users.directory.search import Search, prefix_condition
from users.models import User, UserQuerySet


def short_word_condition(search: Search, limit: int) -> Q:
    """Returns a condition for the accounts whose IDs `short_word_ids` selects."""
    return Q(pk__in=RawSQL(*short_word_ids(search, limit)))


def short_word_sample(accounts: UserQuerySet, search: Search) -> SampleQuery:
    """Returns a sample of the accounts whose username, email address or name begins with the only
    word of the search.

    To count them takes a tenth of the time that reading them from the table does. If one column has
    too many, the accounts of all three need not be compared.
    """
    limit = limits.COLLECT_LIMIT
    counted = [*short_word_ranges(search, limit + 1), short_word_ids(search, limit + 1)]
    exceeding = []
    needed_params: list = []
    for statement in counted:
        sql, params = exceeds_sql(statement, limit)
        exceeding.append(sql)
        needed_params += params
    ids, id_params = short_word_ids(search, limits.SAMPLE_LIMIT)
    oldest = f"SELECT * FROM ({ids}) AS sampled ORDER BY 1 LIMIT %s"
    sampled = accounts.filter(pk__in=RawSQL(oldest, (*id_params, limits.SAMPLE_LIMIT)))
    is_needed = f"({' OR '.join(exceeding)})"
    return SampleQuery((is_needed, tuple(needed_params)), rows=listed_sql(sampled))


def short_word_ids(search: Search, limit: int) -> SqlWithParams:
    """Returns a SELECT of the account IDs of all `short_word_ranges`."""
    ranges = []
    range_params: list = []
    for sql, params in short_word_ranges(search, limit):
        ranges.append(f"SELECT * FROM ({sql}) AS in_range")
        range_params += params
    return " UNION ".join(ranges), tuple(range_params)


def short_word_ranges(search: Search, limit: int) -> list[SqlWithParams]:
    """Returns a SELECT of account IDs for each full name that the words may be, and for each of
    username, email and name: up to `limit` that begin with the shortest word.

    Too many names begin with one or two characters to read the last three ranges.
    """
    word = min(search.words, key=len)
    prefixes = [("name", name) for name in search.full_names]
    prefixes += [("username", word), ("email", word), ("name", word)]
    ranges = []
    for column, prefix in prefixes:
        accounts = User.objects.filter(prefix_condition(column, prefix)).values("pk")
        ranges.append(compile_queryset(accounts[:limit]))
    return ranges
