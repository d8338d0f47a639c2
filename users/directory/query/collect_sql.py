"""SQL that collects matches through the index of a filter or of the search.

Each statement counts the rows that it reads, so a page built from a sample is marked as capped.
"""

# ruff: noqa: S608  the ORM compiles the parts of the statements

from django.db import connections
from django.db.models import Q, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan

from users.database.compiled_sql import compile_queryset, select_from
from users.database.prepared_statements import SqlWithParams
from users.database.search_index import in_search_sample
from users.directory.filters import FILTERS
from users.directory.query import limits
from users.directory.query.account_reader import listed_sql
from users.directory.query.page_query import PageQuery
from users.directory.query.samples import (
    SampleQuery,
    broad_filters_sample,
    filter_sample,
    index_sample,
    sample_pages,
)
from users.directory.query.short_words import short_word_condition, short_word_sample
from users.models import UserQuerySet


def filter_collect_sql(query: PageQuery) -> SqlWithParams:
    """Returns the SELECT of a page of matches collected through the indexes of the filters.

    The search is checked row by row.
    """
    values = query.wanted.values
    conditions = query.wanted.search.conditions()
    matches = query.accounts.filter(*query.wanted.conditions()).order_by()
    if query.wanted.is_personal:
        # A list has a bounded number of accounts.
        return collect_sql(query, matches, limits.LIST_LIMIT, conditions)
    sample = None
    if len(values) == 1 and not conditions:
        [(name, value)] = values.items()
        sample = filter_sample(matches, FILTERS[name], value)
    elif len(values) > 1 and not conditions and is_postgresql(query):
        sample = broad_filters_sample(query, matches)
    return collect_sql(query, matches, limits.COLLECT_LIMIT, conditions, sample=sample)


def search_collect_sql(query: PageQuery, terms: tuple[str, ...]) -> SqlWithParams:
    """Returns the SELECT of a page of matches collected through the search index.

    `terms` are looked up in it. The filters are checked row by row, so the number of rows read
    depends on that index alone.
    """
    search = query.wanted.search
    conditions = [*query.wanted.conditions(), *search.conditions()]
    if not search.long_words and not search.fields:
        is_alone = len(search.words) == 1 and not query.wanted.values
        ranges = 3 + len(search.full_names)
        return collect_sql(
            query,
            query.accounts.filter(short_word_condition(search, limits.COLLECT_LIMIT + 1)),
            limits.COLLECT_LIMIT,
            conditions,
            read_limit=ranges * limits.COLLECT_LIMIT,
            sample=short_word_sample(query.accounts, search) if is_alone else None,
        )
    candidates = search.candidates(query.accounts, terms)
    return collect_sql(query, candidates, limits.CANDIDATE_LIMIT, conditions)


def trigrams_collect_sql(
    query: PageQuery, trigrams: tuple[str, ...], terms: tuple[str, ...], may_be_sample: bool
) -> SqlWithParams:
    """Returns the SELECT of a page of accounts that contain `terms`, which it looks up by some of
    their trigrams; of a sample of them if there are too many and it `may_be_sample`.

    It checks the terms without LIKE, for which PostgreSQL would look up all their trigrams.
    """
    search = query.wanted.search
    conditions = [*query.wanted.conditions(), *search.conditions()]
    candidates = search.candidates(query.accounts, trigrams)
    for term in terms:
        candidates = candidates.filter(GreaterThan(StrIndex("search_key", Value(term)), 0))
    sample = None
    if may_be_sample:
        sample = index_sample(sample_candidates(query, terms))
    return collect_sql(query, candidates, limits.CANDIDATE_LIMIT, conditions, sample=sample)


def index_sample_collect_sql(query: PageQuery, terms: tuple[str, ...]) -> SqlWithParams:
    """Returns the SELECT of a page of a sample, for words that many accounts contain.

    Its column `capped` is false if the sample shows that they are not so many. The page is then
    useless.
    """
    search = query.wanted.search
    conditions = [*query.wanted.conditions(), *search.conditions()]
    candidates = sample_candidates(query, terms)
    all_match = search.is_decided_by(terms) and not query.wanted.values
    return collect_sql(
        query,
        candidates,
        limits.SAMPLE_CANDIDATES,
        conditions,
        read_limit=limits.SAMPLE_LIMIT if all_match else limits.CANDIDATE_SAMPLE,
    )


def sample_candidates(query: PageQuery, terms: tuple[str, ...]) -> UserQuerySet:
    """Returns the accounts that the trigram index of one account in 31 finds."""
    return query.wanted.search.candidates(query.accounts, terms).filter(in_search_sample())


def common_words_collect_sql(query: PageQuery, terms: tuple[str, ...]) -> SqlWithParams:
    """Returns the SELECT of a page of a sample, for words that too many accounts contain."""
    search = query.wanted.search
    conditions = [*query.wanted.conditions(), *search.conditions()]
    sample = sample_pages(search.candidates(query.accounts, terms), limits.SAMPLE_BYTES)
    return collect_sql(query, sample, limits.CANDIDATE_LIMIT, conditions, is_sample=True)


def collect_sql(
    query: PageQuery,
    source: UserQuerySet,
    limit: int,
    conditions: list[Q],
    *,
    read_limit: int = 0,
    sample: SampleQuery | None = None,
    is_sample: bool = False,
) -> SqlWithParams:
    """Returns the SELECT of the page among the first accounts of `source` that meet `conditions`.

    It reads `read_limit` or limit + 1 accounts of `source`, or those of the sample if that is
    needed. The column `capped` is true if `source` has more than `limit`, or is a sample itself.
    The column `visited` then has the number of accounts that a scan would read.
    """
    needed, needed_params = sample.is_needed if sample else (str(is_sample).upper(), ())
    collected, collected_params = collected_sql(source[: read_limit or limit + 1], sample)
    ahead, ahead_params = compile_queryset(query.after_cursor.only("pk")[: query.scan_limit])
    matches = query.after_cursor.filter(*conditions)[: query.wanted.size + 1]
    page, page_params = listed_sql(select_from(matches, "matched"))
    sql = (
        # With a type for the same reason as in a sample (users/directory/query/samples.py).
        f"WITH sampling AS MATERIALIZED (SELECT CAST({needed} AS boolean) AS is_needed), "
        f"matched AS MATERIALIZED ({collected}), "
        "total AS (SELECT COUNT(*) > %s OR (SELECT is_needed FROM sampling) AS capped FROM matched)"
        f" SELECT total.capped, CASE WHEN total.capped THEN (SELECT COUNT(*) FROM ({ahead})"
        f" AS ahead) END AS visited, page.* FROM total LEFT JOIN ({page}) AS page ON TRUE"
    )
    return sql, (*needed_params, *collected_params, limit, *ahead_params, *page_params)


def collected_sql(source: UserQuerySet, sample: SampleQuery | None) -> SqlWithParams:
    """Returns the SELECT of the accounts of `source`, or of the sample if it is needed."""
    whole, params = listed_sql(source)
    if sample is None:
        return whole, params
    rows, row_params = sample.rows
    union = (
        f"SELECT * FROM ({whole}) AS whole WHERE NOT (SELECT is_needed FROM sampling) "
        f"UNION ALL SELECT * FROM ({rows}) AS sample WHERE (SELECT is_needed FROM sampling)"
    )
    return union, (*params, *row_params)


def is_postgresql(query: PageQuery) -> bool:
    return connections[query.accounts.db].vendor == "postgresql"
