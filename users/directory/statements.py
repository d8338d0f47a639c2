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

from users.database.prepared_statements import Compiled, settled
from users.directory import keyset
from users.directory.filter import Filter
from users.directory.filters import PARAMETERS, assumed, lanes, nearly, span
from users.directory.keyset import EDGE, Span, listed
from users.directory.search import Search, beginning
from users.models import ENDING, User, UserQuerySet

WALK = 2_500
# by one of TIMES where the other is asked for: whom it holds stand together, all around or far away
SHORT = 800
TIMES = {"joined", "seen"}
FAR = 20_000  # where the index itself says which accounts match
GATHER = 2_000  # matches of a filter
CANDIDATES = 3_000  # accounts that the index names for a search
SAMPLE = 300  # of a filter's matches, where there are too many to gather
# PostgreSQL reads all that its index of trigrams says of a word before it names the first account.
# From MANY on that takes too long. Some random pages of the table tell how many there are, and some
# more are the sample then.
MANY = 25_000
# bytes
PROBED = 1_300_000
SAMPLED = 6_500_000
BROAD = 400_000  # accounts: to read so many entries of an index takes some 50 ms
PAGES = "TABLESAMPLE SYSTEM (LEAST(100, 100.0 * {size} / GREATEST(1, pg_relation_size('users_user')))) REPEATABLE (1)"
FROM = ' FROM "users_user"'
IN_TURN = RawSQL('"users_user"."in_turn"', ())
NOW = datetime.max.replace(tzinfo=UTC)  # stands for the present in what is remembered
REMEMBERED = 1000  # statements that a process keeps


@dataclass(frozen=True, eq=False)
class Way:
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
        limits = (WALK, SHORT, FAR, GATHER, CANDIDATES, SAMPLE, MANY, PROBED, SAMPLED, BROAD)
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
        return isinstance(other, Way) and self.key == other.key

    def statement(self, make: Callable[["Way"], Compiled]) -> Compiled:
        """As of now, from this edge on. Raises EmptyResultSet."""
        sql, params = remembered(self, make)
        return sql, tuple(self.filled(param) for param in params)

    def filled(self, param: Any) -> Any:
        """What stands for something in what is remembered, as it is now."""
        adapt = connections[self.accounts.db].ops.adapt_datetimefield_value
        if param in EDGE:
            value = self.edge[EDGE.index(param)]
            return adapt(value) if isinstance(value, datetime) else value
        return adapt(timezone.now()) if param == adapt(NOW) else param

    @cached_property
    def edge(self) -> Any:
        return keyset.edge(self.wanted.sort, self.cursor, self.backwards, self.within)

    @property
    def within(self) -> Span:
        return span(self.wanted.values, self.wanted.sort.removeprefix("-"))

    @property
    def ahead(self) -> UserQuerySet:
        """Everybody beyond the cursor, in order; only the lane's, if there is one."""
        place = EDGE if self.edge else None
        return keyset.behind(
            self.accounts.filter(*self.lane), self.wanted.sort, place, self.backwards, self.within
        )

    @property
    def lane(self) -> list[Q]:
        """One of the filters, if an index holds its accounts in order, or little more than those."""
        values = self.wanted.values
        return [*lanes(values, self.wanted.sort.removeprefix("-")), *nearly(values)][:1]

    @property
    def reach(self) -> int:
        """How many accounts the walk looks at."""
        ranged = {PARAMETERS[name].span(value)[0] for name, value in self.wanted.values.items()}
        if not self.wanted.search and ranged | {self.wanted.sort.removeprefix("-")} == TIMES:
            return min(SHORT, WALK)
        return FAR if self.in_index else WALK

    @property
    def in_index(self) -> bool:
        """Whether the only filter is one that the lane's index can tell by itself."""
        return (
            len(self.wanted.values) == 1
            and not self.wanted.search
            and bool(nearly(self.wanted.values))
        )

    @property
    def reached(self) -> Compiled:
        """The accounts that the walk looks at; those that the index alone has found to match, where
        it can.
        """
        if not self.in_index:
            query = self.accounts.query
            key = query.get_compiler(self.accounts.db).compile(
                keyset.SORTS[self.wanted.sort].key.resolve_expression(query)
            )
            return listed(self.ahead[: self.reach], {"in_turn": RawSQL(*key)})  # noqa: S611  compiled by the ORM
        ahead, params = compiled(
            self.ahead.only(*ENDING, keyset.SORTS[self.wanted.sort].column)[:FAR]
        )
        matching = self.accounts.filter(*self.wanted.conditions()).order_by(*self.order).only("pk")
        sql, more = compiled(matching[: self.wanted.size + 1])
        ids = sql.replace(FROM, f' FROM ({ahead}) AS "users_user"', 1)
        return listed(self.accounts.filter(pk__in=RawSQL(ids, (*params, *more))))  # noqa: S611  compiled by the ORM

    @property
    def order(self) -> tuple:
        return keyset.order(self.wanted.sort, self.backwards)


@dataclass(frozen=True)
class Sample:
    """What stands for a source in which there are too many: the SQL of whether there are, and of
    the rows.
    """

    many: Compiled
    rows: Compiled


@lru_cache(REMEMBERED)
def remembered(way: Way, make: Callable[[Way], Compiled]) -> Compiled:
    """What `make` gives, but for the moment and the edge, which are filled in each time."""
    connection = connections[way.accounts.db]
    then = connection.ops.adapt_datetimefield_value(NOW)
    token = assumed.set(NOW)
    try:
        return settled(connection, make(way), lambda param: param in EDGE or param == then)
    finally:
        assumed.reset(token)


def straight(way: Way) -> Compiled:
    """What follows the columns."""
    return keyset.tail(way.ahead[: way.wanted.size + 1])


def walking(way: Way) -> Compiled:
    wanted = way.wanted
    # By the name of a column it is known to be the order in which they come, and the walk ends with
    # the page.
    order = way.order if way.in_index else keyset.order(wanted.sort, way.backwards, IN_TURN)
    matching = way.accounts.filter(*wanted.conditions(), *wanted.search.conditions()).order_by(
        *order
    )
    reached, reached_params = way.reached
    sql, rest = listed(matching[: wanted.size + 1], {"stands_first": RawSQL("0", ())})
    # The parameters of the derived table come first, then those of the conditions.
    sql = sql.replace(FROM, f' FROM ({reached}) AS "users_user"', 1)
    params = (*reached_params, *rest)
    if way.named is None:
        return sql, params
    first, first_params = listed(way.named, {"stands_first": RawSQL("1", ())})
    union = f"SELECT * FROM ({first}) AS named UNION ALL SELECT * FROM ({sql}) AS walked"  # noqa: S608
    return union, (*first_params, *params)


def by_filter(way: Way) -> Compiled:
    values = way.wanted.values
    conditions = way.wanted.search.conditions()
    matches = way.accounts.filter(*way.wanted.conditions()).order_by()
    if len(values) != 1 or conditions:
        bounded = (
            len(values) > 1
            and not conditions
            and connections[way.accounts.db].vendor == "postgresql"
        )
        return gathering(
            way, matches, GATHER, conditions, instead=all_broad(way, matches) if bounded else None
        )
    [(name, value)] = values.items()
    newest = keyset.order("-joined")
    ranged = PARAMETERS[name].span(value)[0]
    # Counted in the order of their index, since in no order all of its entries might be read first.
    many = matches.order_by(*keyset.order(ranged)) if ranged else matches
    sample = matches.order_by(*newest) if "joined" in PARAMETERS[name].ordered(value) else matches
    if most := PARAMETERS[name].most(value):
        many = sample = matches.filter(most).order_by(*newest)
    return gathering(
        way, matches, GATHER, [], instead=Sample(counted(many), listed(sample[:SAMPLE]))
    )


def by_search(way: Way) -> Compiled:
    search = way.wanted.search
    conditions = [*way.wanted.conditions(), *search.conditions()]
    if not search.long_words and not search.fields:
        return gathering(
            way, way.accounts.filter(short_ids(search)), GATHER, conditions, limit=3 * GATHER
        )
    candidates = search.candidates(way.accounts)
    slow = search.long_words and connections[way.accounts.db].vendor == "postgresql"
    return gathering(
        way, candidates, CANDIDATES, conditions, instead=pages(candidates) if slow else None
    )


def gathering(
    way: Way,
    source: UserQuerySet,
    enough: int,
    conditions: list[Q],
    *,
    limit: int = 0,
    instead: Sample | None = None,
) -> Compiled:
    """The page among the first `limit` of `source`, or those of its sample, that meet `conditions`;
    capped if there were more than `enough`.
    """
    matched, matched_params = listed(source[: limit or enough + 1])
    ahead, ahead_params = compiled(way.ahead.only("pk")[: way.reach])
    page, page_params = listed(way.ahead.filter(*conditions)[: way.wanted.size + 1])
    (many, many_params), (sample, sample_params) = (
        (instead.many, instead.rows) if instead else (("FALSE", ()), ("", ()))
    )
    if instead:
        matched = (
            f"SELECT * FROM ({matched}) AS whole WHERE NOT (SELECT many FROM look) "  # noqa: S608
            f"UNION ALL SELECT * FROM ({sample}) AS sample WHERE (SELECT many FROM look)"
        )
    page = page.replace(FROM, ' FROM matched AS "users_user"', 1)
    sql = (
        f"WITH look AS MATERIALIZED (SELECT {many} AS many), matched AS MATERIALIZED ({matched}), "  # noqa: S608
        "total AS (SELECT COUNT(*) > %s OR (SELECT many FROM look) AS capped FROM matched) SELECT total.capped, "
        f"CASE WHEN total.capped THEN (SELECT COUNT(*) FROM ({ahead}) AS ahead) END AS visited, page.* "
        f"FROM total LEFT JOIN ({page}) AS page ON TRUE"
    )
    return sql, (*many_params, *matched_params, *sample_params, enough, *ahead_params, *page_params)


def all_broad(way: Way, matches: UserQuerySet) -> Sample:
    """Where each filter alone fits so many accounts that to unite their indexes takes a second,
    however few fit all.
    """
    each = [
        probe(way.accounts.filter(condition).order_by()) for condition in way.wanted.conditions()
    ]
    fewest = ", ".join(f"(SELECT COUNT(*) FROM ({sql}) AS probe)" for sql, _ in each)  # noqa: S608
    many = (
        f"(LEAST({fewest}) * {share()} > %s)",
        (*(param for _, params in each for param in params), BROAD),
    )
    return Sample(many, in_pages(listed(matches[:GATHER]), SAMPLED))


def counted(matches: UserQuerySet) -> Compiled:
    """Whether more match than can be gathered, from the index alone where it knows."""
    sql, params = compiled(matches.values("pk")[: GATHER + 1])
    return f"(SELECT COUNT(*) > %s FROM ({sql}) AS counted)", (GATHER, *params)  # noqa: S608


def pages(candidates: UserQuerySet) -> Sample:
    """What the same random pages hold as long as the table stays as it is, so that one page of the
    list follows another.
    """
    sql, params = probe(candidates)
    many = f"(SELECT COUNT(*) * {share()} > %s FROM ({sql}) AS probe)", (MANY, *params)  # noqa: S608
    return Sample(many, in_pages(listed(candidates[:CANDIDATES]), SAMPLED))


def probe(accounts: UserQuerySet) -> Compiled:
    return in_pages(compiled(accounts.only("pk")), PROBED)


def share() -> str:
    """SQL of how many times the whole table is what was probed."""
    return f"GREATEST(1, pg_relation_size('users_user') / {PROBED}.0)"


def in_pages(query: Compiled, size: int) -> Compiled:
    """The same of so many bytes of random pages."""
    sql, params = query
    return sql.replace(FROM, f"{FROM} {PAGES.format(size=size)}", 1), params


def compiled(accounts: QuerySet) -> Compiled:
    return accounts.query.get_compiler(accounts.db).as_sql()


def short_ids(search: Search) -> Q:
    """One or two characters begin too many names to unite three whole ranges: some thousand of each
    are enough.
    """
    word = min(search.words, key=len)
    firsts = [
        compiled(User.objects.filter(beginning(column, word)).values("pk")[: GATHER + 1])
        for column in ("username", "email", "name")
    ]
    union = " UNION ".join(
        f"SELECT * FROM ({sql}) AS first{number}"  # noqa: S608
        for number, (sql, _) in enumerate(firsts)
    )
    return Q(pk__in=RawSQL(union, [param for _, params in firsts for param in params]))  # noqa: S611  compiled by the ORM
