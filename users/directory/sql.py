"""The statements of a road (road.py), put together of parts that the ORM compiles, and remembered."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any

from django.db import connections
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from users.database.prepared_statements import SqlWithParams, inline_values
from users.directory import keyset
from users.directory.filter import Filter
from users.directory.filters import (
    FILTERS,
    assumed_now,
    filters_range,
    index_conditions,
    superset_conditions,
)
from users.directory.keyset import OPEN_EDGE, KeyRange, listed_sql
from users.directory.search import Search, prefix_condition
from users.models import END_INDEX_COLUMNS, User, UserQuerySet

SCAN_LIMIT = 2_500
# by one of TIMES where the other is asked for: whom it holds stand together, all around or far away
SHORT_SCAN_LIMIT = 800
TIME_SORTS = {"joined", "seen"}
INDEX_SCAN_LIMIT = 20_000  # where the index itself says which accounts match
COLLECT_LIMIT = 2_000  # matches of a filter
CANDIDATE_LIMIT = 3_000  # accounts that the index names for a search
SAMPLE_LIMIT = 300  # of a filter's matches, where there are too many to gather
# PostgreSQL reads all that its index of trigrams says of a word before it names the first account.
# From MANY on that takes too long. Some random pages of the table tell how many there are, and some
# more are the sample then.
COMMON_WORD_LIMIT = 25_000
# bytes
PROBE_BYTES = 1_300_000
SAMPLE_BYTES = 6_500_000
BROAD_FILTER_LIMIT = 400_000  # accounts: to read so many entries of an index takes some 50 ms
TABLESAMPLE_SQL = "TABLESAMPLE SYSTEM (LEAST(100, 100.0 * {size} / GREATEST(1, pg_relation_size('users_user')))) REPEATABLE (1)"
FROM_ACCOUNTS = ' FROM "users_user"'
SORT_KEY_COLUMN = RawSQL('"users_user"."in_turn"', ())
NOW_PLACEHOLDER = datetime.max.replace(tzinfo=UTC)  # stands for the present in what is remembered
CACHED_STATEMENTS = 1000  # statements that a process keeps


@dataclass(frozen=True, eq=False)
class PageQuery:
    """From a cursor through the accounts. The ORM can't select from a subquery, so compiled parts
    are put together: the derived table takes the name of the real one, and every condition and
    order fits it.

    Ways are equal where their statements are, so that these can be remembered: to put one together
    takes longer than to run most.
    """

    wanted: Filter
    accounts: UserQuerySet
    cursor: str
    backwards: bool
    # Read in the walk's statement, so that they cost no query of their own.
    named: UserQuerySet | None = None

    @cached_property
    def key(self) -> tuple:
        """Everything that its statements depend on; relative dates are days of today."""
        wanted = self.wanted
        named = self.named is not None
        moved = bool(self.edge)
        limits = (
            SCAN_LIMIT,
            SHORT_SCAN_LIMIT,
            INDEX_SCAN_LIMIT,
            COLLECT_LIMIT,
            CANDIDATE_LIMIT,
            SAMPLE_LIMIT,
            COMMON_WORD_LIMIT,
            PROBE_BYTES,
            SAMPLE_BYTES,
            BROAD_FILTER_LIMIT,
        )
        return (
            wanted.query,
            wanted.size,
            wanted.masked,
            moved,
            self.backwards,
            named,
            datetime.now(UTC).date(),
            limits,
        )

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PageQuery) and self.key == other.key

    def statement(self, make: Callable[["PageQuery"], SqlWithParams]) -> SqlWithParams:
        """As of now, from this edge on. Raises EmptyResultSet."""
        sql, params = cached_statement(self, make)
        return sql, tuple(self.filled(param) for param in params)

    def filled(self, param: Any) -> Any:
        """What stands for something in what is remembered, as it is now."""
        adapt = connections[self.accounts.db].ops.adapt_datetimefield_value
        if param in OPEN_EDGE:
            value = self.edge[OPEN_EDGE.index(param)]
            return adapt(value) if isinstance(value, datetime) else value
        return adapt(timezone.now()) if param == adapt(NOW_PLACEHOLDER) else param

    @cached_property
    def edge(self) -> Any:
        return keyset.start_bound(self.wanted.sort, self.cursor, self.backwards, self.within)

    @property
    def within(self) -> KeyRange:
        return filters_range(self.wanted.values, self.wanted.sort.removeprefix("-"))

    @property
    def ahead(self) -> UserQuerySet:
        """Everybody beyond the cursor, in order; only the lane's, if there is one."""
        place = OPEN_EDGE if self.edge else None
        return keyset.accounts_from_bound(
            self.accounts.filter(*self.lane), self.wanted.sort, place, self.backwards, self.within
        )

    @property
    def lane(self) -> list[Q]:
        """One of the filters, if an index holds its accounts in order, or little more than those."""
        values = self.wanted.values
        return [
            *index_conditions(values, self.wanted.sort.removeprefix("-")),
            *superset_conditions(values),
        ][:1]

    @property
    def reach(self) -> int:
        """How many accounts the walk looks at."""
        ranged = {FILTERS[name].span(value)[0] for name, value in self.wanted.values.items()}
        if not self.wanted.search and ranged | {self.wanted.sort.removeprefix("-")} == TIME_SORTS:
            return min(SHORT_SCAN_LIMIT, SCAN_LIMIT)
        return INDEX_SCAN_LIMIT if self.in_index else SCAN_LIMIT

    @property
    def in_index(self) -> bool:
        """Whether the only filter is one that the lane's index can tell by itself."""
        return (
            len(self.wanted.values) == 1
            and not self.wanted.search
            and bool(superset_conditions(self.wanted.values))
        )

    @property
    def reached(self) -> SqlWithParams:
        """The accounts that the walk looks at; those that the index alone has found to match, where
        it can.
        """
        if not self.in_index:
            query = self.accounts.query
            key = query.get_compiler(self.accounts.db).compile(
                keyset.SORTS[self.wanted.sort].key.resolve_expression(query)
            )
            return listed_sql(self.ahead[: self.reach], {"in_turn": RawSQL(*key)})  # noqa: S611  compiled by the ORM
        ahead, params = compile_accounts(
            self.ahead.only(*END_INDEX_COLUMNS, keyset.SORTS[self.wanted.sort].column)[
                :INDEX_SCAN_LIMIT
            ]
        )
        matching = self.accounts.filter(*self.wanted.conditions()).order_by(*self.order).only("pk")
        sql, more = compile_accounts(matching[: self.wanted.size + 1])
        ids = sql.replace(FROM_ACCOUNTS, f' FROM ({ahead}) AS "users_user"', 1)
        return listed_sql(self.accounts.filter(pk__in=RawSQL(ids, (*params, *more))))  # noqa: S611  compiled by the ORM

    @property
    def order(self) -> tuple:
        return keyset.order_expressions(self.wanted.sort, self.backwards)


@dataclass(frozen=True)
class SampleQuery:
    """What stands for a source in which there are too many: the SQL of whether there are, and of
    the rows.
    """

    many: SqlWithParams
    rows: SqlWithParams


@lru_cache(CACHED_STATEMENTS)
def cached_statement(way: PageQuery, make: Callable[[PageQuery], SqlWithParams]) -> SqlWithParams:
    """What `make` gives, but for the moment and the edge, which are filled in each time."""
    connection = connections[way.accounts.db]
    then = connection.ops.adapt_datetimefield_value(NOW_PLACEHOLDER)
    token = assumed_now.set(NOW_PLACEHOLDER)
    try:
        return inline_values(
            connection, make(way), lambda param: param in OPEN_EDGE or param == then
        )
    finally:
        assumed_now.reset(token)


def range_sql(way: PageQuery) -> SqlWithParams:
    """What follows the columns."""
    return keyset.tail_sql(way.ahead[: way.wanted.size + 1])


def scan_sql(way: PageQuery) -> SqlWithParams:
    wanted = way.wanted
    # By the name of a column it is known to be the order in which they come, and the walk ends with
    # the page.
    order = (
        way.order
        if way.in_index
        else keyset.order_expressions(wanted.sort, way.backwards, SORT_KEY_COLUMN)
    )
    matching = way.accounts.filter(*wanted.conditions(), *wanted.search.conditions()).order_by(
        *order
    )
    reached, reached_params = way.reached
    sql, rest = listed_sql(matching[: wanted.size + 1], {"stands_first": RawSQL("0", ())})
    # The parameters of the derived table come first, then those of the conditions.
    sql = sql.replace(FROM_ACCOUNTS, f' FROM ({reached}) AS "users_user"', 1)
    params = (*reached_params, *rest)
    if way.named is None:
        return sql, params
    first, first_params = listed_sql(way.named, {"stands_first": RawSQL("1", ())})
    union = f"SELECT * FROM ({first}) AS named UNION ALL SELECT * FROM ({sql}) AS walked"  # noqa: S608
    return union, (*first_params, *params)


def filter_collect_sql(way: PageQuery) -> SqlWithParams:
    values = way.wanted.values
    conditions = way.wanted.search.conditions()
    matches = way.accounts.filter(*way.wanted.conditions()).order_by()
    if len(values) != 1 or conditions:
        bounded = (
            len(values) > 1
            and not conditions
            and connections[way.accounts.db].vendor == "postgresql"
        )
        return collect_sql(
            way,
            matches,
            COLLECT_LIMIT,
            conditions,
            instead=broad_filters_sample(way, matches) if bounded else None,
        )
    [(name, value)] = values.items()
    newest = keyset.order_expressions("-joined")
    ranged = FILTERS[name].span(value)[0]
    # Counted in the order of their index, since in no order all of its entries might be read first.
    many = matches.order_by(*keyset.order_expressions(ranged)) if ranged else matches
    sample = matches.order_by(*newest) if "joined" in FILTERS[name].ordered(value) else matches
    if most := FILTERS[name].most(value):
        many = sample = matches.filter(most).order_by(*newest)
    return collect_sql(
        way,
        matches,
        COLLECT_LIMIT,
        [],
        instead=SampleQuery(exceeds_limit_sql(many), listed_sql(sample[:SAMPLE_LIMIT])),
    )


def search_collect_sql(way: PageQuery) -> SqlWithParams:
    search = way.wanted.search
    conditions = [*way.wanted.conditions(), *search.conditions()]
    if not search.long_words and not search.fields:
        return collect_sql(
            way,
            way.accounts.filter(short_word_condition(search)),
            COLLECT_LIMIT,
            conditions,
            limit=3 * COLLECT_LIMIT,
        )
    candidates = search.candidates(way.accounts)
    slow = search.long_words and connections[way.accounts.db].vendor == "postgresql"
    return collect_sql(
        way,
        candidates,
        CANDIDATE_LIMIT,
        conditions,
        instead=random_pages_sample(candidates) if slow else None,
    )


def collect_sql(
    way: PageQuery,
    source: UserQuerySet,
    enough: int,
    conditions: list[Q],
    *,
    limit: int = 0,
    instead: SampleQuery | None = None,
) -> SqlWithParams:
    """The page among the first `limit` of `source`, or those of its sample, that meet `conditions`;
    capped if there were more than `enough`.
    """
    matched, matched_params = listed_sql(source[: limit or enough + 1])
    ahead, ahead_params = compile_accounts(way.ahead.only("pk")[: way.reach])
    page, page_params = listed_sql(way.ahead.filter(*conditions)[: way.wanted.size + 1])
    (many, many_params), (sample, sample_params) = (
        (instead.many, instead.rows) if instead else (("FALSE", ()), ("", ()))
    )
    if instead:
        matched = (
            f"SELECT * FROM ({matched}) AS whole WHERE NOT (SELECT many FROM look) "  # noqa: S608
            f"UNION ALL SELECT * FROM ({sample}) AS sample WHERE (SELECT many FROM look)"
        )
    page = page.replace(FROM_ACCOUNTS, ' FROM matched AS "users_user"', 1)
    sql = (
        f"WITH look AS MATERIALIZED (SELECT {many} AS many), matched AS MATERIALIZED ({matched}), "  # noqa: S608
        "total AS (SELECT COUNT(*) > %s OR (SELECT many FROM look) AS capped FROM matched) SELECT total.capped, "
        f"CASE WHEN total.capped THEN (SELECT COUNT(*) FROM ({ahead}) AS ahead) END AS visited, page.* "
        f"FROM total LEFT JOIN ({page}) AS page ON TRUE"
    )
    return sql, (*many_params, *matched_params, *sample_params, enough, *ahead_params, *page_params)


def broad_filters_sample(way: PageQuery, matches: UserQuerySet) -> SampleQuery:
    """Where each filter alone fits so many accounts that to unite their indexes takes a second,
    however few fit all.
    """
    each = [
        probe_sql(way.accounts.filter(condition).order_by())
        for condition in way.wanted.conditions()
    ]
    fewest = ", ".join(f"(SELECT COUNT(*) FROM ({sql}) AS probe)" for sql, _ in each)  # noqa: S608
    many = (
        f"(LEAST({fewest}) * {probe_scale_sql()} > %s)",
        (*(param for _, params in each for param in params), BROAD_FILTER_LIMIT),
    )
    return SampleQuery(many, sample_pages_sql(listed_sql(matches[:COLLECT_LIMIT]), SAMPLE_BYTES))


def exceeds_limit_sql(matches: UserQuerySet) -> SqlWithParams:
    """Whether more match than can be gathered, from the index alone where it knows."""
    sql, params = compile_accounts(matches.values("pk")[: COLLECT_LIMIT + 1])
    return f"(SELECT COUNT(*) > %s FROM ({sql}) AS counted)", (COLLECT_LIMIT, *params)  # noqa: S608


def random_pages_sample(candidates: UserQuerySet) -> SampleQuery:
    """What the same random pages hold as long as the table stays as it is, so that one page of the
    list follows another.
    """
    sql, params = probe_sql(candidates)
    many = (
        f"(SELECT COUNT(*) * {probe_scale_sql()} > %s FROM ({sql}) AS probe)",  # noqa: S608
        (COMMON_WORD_LIMIT, *params),
    )
    return SampleQuery(
        many, sample_pages_sql(listed_sql(candidates[:CANDIDATE_LIMIT]), SAMPLE_BYTES)
    )


def probe_sql(accounts: UserQuerySet) -> SqlWithParams:
    return sample_pages_sql(compile_accounts(accounts.only("pk")), PROBE_BYTES)


def probe_scale_sql() -> str:
    """SQL of how many times the whole table is what was probed."""
    return f"GREATEST(1, pg_relation_size('users_user') / {PROBE_BYTES}.0)"


def sample_pages_sql(query: SqlWithParams, size: int) -> SqlWithParams:
    """The same of so many bytes of random pages."""
    sql, params = query
    return sql.replace(
        FROM_ACCOUNTS, f"{FROM_ACCOUNTS} {TABLESAMPLE_SQL.format(size=size)}", 1
    ), params


def compile_accounts(accounts: QuerySet) -> SqlWithParams:
    return accounts.query.get_compiler(accounts.db).as_sql()


def short_word_condition(search: Search) -> Q:
    """One or two characters begin too many names to unite three whole ranges: some thousand of each
    are enough.
    """
    word = min(search.words, key=len)
    firsts = [
        compile_accounts(
            User.objects.filter(prefix_condition(column, word)).values("pk")[: COLLECT_LIMIT + 1]
        )
        for column in ("username", "email", "name")
    ]
    union = " UNION ".join(
        f"SELECT * FROM ({sql}) AS first{number}"  # noqa: S608
        for number, (sql, _) in enumerate(firsts)
    )
    return Q(pk__in=RawSQL(union, [param for _, params in firsts for param in params]))  # noqa: S611  compiled by the ORM
