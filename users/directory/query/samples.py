"""SQL of samples, which replace the matches of a filter or search if there are too many."""

# ruff: noqa: S608  the ORM compiles the parts of the statements

from dataclasses import dataclass

from users.database.compiled_sql import compile_queryset, sample_table
from users.database.prepared_statements import SqlWithParams
from users.directory.filters import FilterSpec
from users.directory.query import keyset, limits
from users.directory.query.account_reader import listed_sql
from users.directory.query.page_query import PageQuery
from users.models import UserQuerySet

TABLE_BYTES_SQL = "pg_relation_size('users_user')"
# With a type, so that pg_stat_statements, which replaces constants, can explain the statement.
TABLESAMPLE_SQL = (
    "TABLESAMPLE SYSTEM "
    f"(LEAST(100, 100::numeric * {{size}} / GREATEST(1, {TABLE_BYTES_SQL}))) REPEATABLE (1)"
)


@dataclass(frozen=True)
class SampleQuery:
    """SQL expression for whether the sample is needed, and the SELECT of its accounts."""

    is_needed: SqlWithParams
    rows: SqlWithParams


def filter_sample(matches: UserQuerySet, spec: FilterSpec, value: str) -> SampleQuery:
    """Returns a sample of the matches of one filter, the newest if an index has their order.

    The matches are counted in the order of their index, so the count can stop early. Unordered, all
    entries might be read first.
    """
    newest_first = keyset.order_expressions("-joined")
    ranged = spec.key_range(value)[0]
    main_subset = spec.main_subset(value)
    counted = matches.order_by(*keyset.order_expressions(ranged)) if ranged else matches
    sampled = matches
    if main_subset:
        counted = matches.filter(main_subset).order_by(*newest_first)
        sampled = counted
    elif "joined" in spec.indexed_sorts(value):
        sampled = matches.order_by(*newest_first)
    return SampleQuery(
        is_needed=exceeds_limit_sql(counted), rows=listed_sql(sampled[: limits.SAMPLE_LIMIT])
    )


def exceeds_limit_sql(matches: UserQuerySet) -> SqlWithParams:
    """Returns an SQL expression for whether more accounts match than can be collected.

    An index-only scan answers it where possible.
    """
    limit = limits.COLLECT_LIMIT
    return exceeds_sql(compile_queryset(matches.values("pk")[: limit + 1]), limit)


def exceeds_sql(rows: SqlWithParams, limit: int) -> SqlWithParams:
    """Returns an SQL expression for whether a SELECT has more than `limit` rows."""
    sql, params = rows
    return f"(SELECT COUNT(*) > %s FROM ({sql}) AS counted)", (limit, *params)


def index_sample(candidates: UserQuerySet) -> SampleQuery:
    """Returns a sample of the accounts that an index of a sample finds, for a search with more
    candidates than can be collected.
    """
    limit = limits.SAMPLE_CANDIDATES
    counted = compile_queryset(candidates.values("pk")[: limit + 1])
    rows = listed_sql(candidates[: limits.CANDIDATE_SAMPLE])
    return SampleQuery(exceeds_sql(counted, limit), rows)


def broad_filters_sample(query: PageQuery, matches: UserQuerySet) -> SampleQuery:
    """Returns a sample for filters that each match very many accounts.

    Combining their indexes takes a second, however few accounts match all of them.
    """
    counts = []
    params: list = []
    for condition in query.wanted.conditions():
        sql, probe_params = probe_sql(query.accounts.filter(condition).order_by())
        counts.append(f"(SELECT COUNT(*) FROM ({sql}) AS probe)")
        params += probe_params
    is_needed = f"(LEAST({', '.join(counts)}) * {probe_scale_sql()} > %s)"
    return SampleQuery(
        is_needed=(is_needed, (*params, limits.BROAD_FILTER_LIMIT)),
        rows=sampled_accounts_sql(matches[: limits.COLLECT_LIMIT]),
    )


def sampled_accounts_sql(accounts: UserQuerySet) -> SqlWithParams:
    """Returns the SELECT of the `accounts` on SAMPLE_BYTES of random pages."""
    return listed_sql(sample_pages(accounts, limits.SAMPLE_BYTES))


def probe_sql(accounts: UserQuerySet) -> SqlWithParams:
    """Returns the SELECT of the ids of `accounts` on PROBE_BYTES of random pages."""
    return compile_queryset(sample_pages(accounts.only("pk"), limits.PROBE_BYTES))


def probe_scale_sql() -> str:
    """Returns an SQL expression for the ratio of the table's size to the size of a probe."""
    return f"GREATEST(1, {TABLE_BYTES_SQL} / {limits.PROBE_BYTES}.0)"


def sample_pages(accounts: UserQuerySet, size: int) -> UserQuerySet:
    """Returns `accounts` restricted to a random sample of `size` bytes of the table.

    The sample stays the same while the table does not change, so the pages of the list fit
    together.
    """
    return sample_table(accounts, TABLESAMPLE_SQL.format(size=size))
