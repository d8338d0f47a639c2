"""The two ways through the accounts where no index holds the wanted ones in order. finder.py says when to take which."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import RawSQL

from users.directory import keyset
from users.directory.filter import Filter
from users.directory.keyset import listed
from users.directory.parameters import PARAMETERS, lanes, nearly, span
from users.directory.search import Search, beginning
from users.models import ENDING, User, UserQuerySet

WALK = 2_500
FAR = 20_000  # where the index itself says which accounts match
GATHER = 2_000  # matches of a filter
CANDIDATES = 3_000  # accounts that the index names for a search
SAMPLE = 300  # of a filter's matches, where there are too many to gather
# PostgreSQL reads all that its index of trigrams says of a word before it names the first account. From MANY on that takes
# too long. Some random pages of the table tell how many there are, and some more are the sample then.
MANY = 25_000
PROBED, SAMPLED = 1_300_000, 6_500_000  # bytes
BROAD = 400_000  # accounts: to read so many entries of an index takes some 50 ms
PAGES = "TABLESAMPLE SYSTEM (LEAST(100, 100.0 * {size} / GREATEST(1, pg_relation_size('users_user')))) REPEATABLE (1)"
FROM = ' FROM "users_user"'
Compiled = tuple[str, tuple]


@dataclass(frozen=True)
class Ahead:
    """`rows` in reading order, at most one more than a page. `capped`: there are matches that were not looked at.
    `named`: what was asked to stand first."""

    rows: list[User]
    capped: bool = False
    named: list[User] = field(default_factory=list)


@dataclass(frozen=True)
class Gathered:
    """`rows` as in Ahead. `capped`: the source held more than was taken. `at_end`: the walk could look at all there is."""

    rows: list[User]
    capped: bool = False
    at_end: bool = False


@dataclass(frozen=True)
class Sample:
    """What stands for a source in which there are too many: the SQL of whether there are, and of the rows."""

    many: Compiled
    rows: Compiled


@dataclass(frozen=True)
class Road:
    """The way from a cursor through the accounts. The ORM can't select from a subquery, so compiled parts are put
    together here: the derived table takes the name of the real one, and every condition and order fits it."""

    wanted: Filter
    accounts: UserQuerySet
    cursor: str
    backwards: bool
    # Read in the walk's statement, so that they cost no query of their own.
    named: UserQuerySet | None = None

    @property
    def ahead(self) -> UserQuerySet:
        """Everybody beyond the cursor, in order; only the lane's, if there is one."""
        accounts = self.accounts.filter(*self.lane)
        within = span(self.wanted.values, self.wanted.sort.removeprefix("-"))
        return keyset.beyond(accounts, self.wanted.sort, self.cursor, self.backwards, within)

    @property
    def lane(self) -> list[Q]:
        """One of the filters, if an index holds its accounts in order, or little more than those."""
        values = self.wanted.values
        return [*lanes(values, self.wanted.sort.removeprefix("-")), *nearly(values)][:1]

    @property
    def reach(self) -> int:
        """How many accounts the walk looks at."""
        return FAR if self.in_index else WALK

    @property
    def in_index(self) -> bool:
        """Whether the only filter is one that the lane's index can tell by itself."""
        return len(self.wanted.values) == 1 and not self.wanted.search and bool(nearly(self.wanted.values))

    @property
    def reached(self) -> Compiled:
        """The accounts that the walk looks at; those that the index alone has found to match, where it can."""
        if not self.in_index:
            return listed(self.ahead[:WALK])
        ahead, params = compiled(self.ahead.only(*ENDING, keyset.SORTS[self.wanted.sort].column)[:FAR])
        matching = self.accounts.filter(*self.wanted.conditions()).order_by(*self.order).only("pk")
        sql, more = compiled(matching[: self.wanted.size + 1])
        ids = sql.replace(FROM, f' FROM ({ahead}) AS "users_user"', 1)
        return listed(self.accounts.filter(pk__in=RawSQL(ids, (*params, *more))))  # noqa: S611  compiled by the ORM

    def walk_first(self) -> Ahead:
        named, rows = self.walk()
        return replace(self.walked_or(rows, self.by_search if self.wanted.search else self.by_filter), named=named)

    def gather_first(self) -> Ahead:
        """By a filter that few accounts meet; if many do, as ever."""
        gathered = self.by_filter()
        if not gathered.capped:
            return Ahead(gathered.rows)
        _, rows = self.walk()
        return self.walked_or(rows, self.by_search if self.wanted.search else lambda: gathered)

    def walked_or(self, rows: list[User], gather: Callable[[], Gathered]) -> Ahead:
        if len(rows) > self.wanted.size:
            return Ahead(rows)
        gathered = gather()
        if gathered.at_end:
            return Ahead(rows)
        if not gathered.capped:
            return Ahead(gathered.rows)
        return Ahead(self.sorted({row.pk: row for row in [*gathered.rows, *rows]}.values()), capped=True)

    def walk(self) -> tuple[list[User], list[User]]:
        """The named accounts; and matches among the next accounts, as far as a page needs them and no further."""
        matching = self.accounts.filter(*self.wanted.conditions(), *self.wanted.search.conditions())
        matching = matching.order_by(*self.order)[: self.wanted.size + 1]
        try:
            reached, reached_params = self.reached
            sql, rest = listed(matching, {"stands_first": RawSQL("0", ())})
        except EmptyResultSet:  # a condition that nothing can meet
            return [], []
        # The parameters of the derived table come first, then those of the conditions.
        sql, params = sql.replace(FROM, f' FROM ({reached}) AS "users_user"', 1), [*reached_params, *rest]
        if self.named is not None:
            first, first_params = listed(self.named, {"stands_first": RawSQL("1", ())})
            sql = f"SELECT * FROM ({first}) AS named UNION ALL SELECT * FROM ({sql}) AS walked"  # noqa: S608
            params = [*first_params, *params]
        rows: list[Any] = keyset.read(self.accounts.db, sql, params)
        return [row for row in rows if row.stands_first], [row for row in rows if not row.stands_first]

    def by_filter(self) -> Gathered:
        """Through the filters' own indexes; the search is checked row by row. Of one filter's matches the newest, where
        an index knows them."""
        values, conditions = self.wanted.values, self.wanted.search.conditions()
        matches = self.accounts.filter(*self.wanted.conditions()).order_by()
        if len(values) != 1 or conditions:
            bounded = len(values) > 1 and not conditions and connections[self.accounts.db].vendor == "postgresql"
            return self.gather(matches, GATHER, conditions, instead=self.all_broad(matches) if bounded else None)
        newest = any("joined" in PARAMETERS[name].ordered(value) for name, value in values.items())
        sample = matches.order_by(F("date_joined").desc(), F("pk").desc()) if newest else matches
        return self.gather(matches, GATHER, [], instead=Sample(counted(matches), listed(sample[:SAMPLE])))

    def all_broad(self, matches: UserQuerySet) -> Sample:
        """Where each filter alone fits so many accounts that to unite their indexes takes a second, however few fit all."""
        each = [probe(self.accounts.filter(condition).order_by()) for condition in self.wanted.conditions()]
        fewest = ", ".join(f"(SELECT COUNT(*) FROM ({sql}) AS probe)" for sql, _ in each)  # noqa: S608
        many = f"(LEAST({fewest}) * {share()} > %s)", (*(param for _, params in each for param in params), BROAD)
        return Sample(many, in_pages(listed(matches[:GATHER]), SAMPLED))

    def by_search(self) -> Gathered:
        """Through the search's index; everything else is checked row by row, so that the index alone says how much of
        the whole was looked at."""
        search = self.wanted.search
        if search.impossible:
            return Gathered([])
        conditions = [*self.wanted.conditions(), *search.conditions()]
        if not search.long_words and not search.fields:
            return self.gather(self.accounts.filter(short_ids(search)), GATHER, conditions, limit=3 * GATHER)
        candidates = search.candidates(self.accounts)
        slow = search.long_words and connections[self.accounts.db].vendor == "postgresql"
        return self.gather(candidates, CANDIDATES, conditions, instead=pages(candidates) if slow else None)

    def gather(
        self, source: UserQuerySet, enough: int, conditions: list[Q], *, limit: int = 0, instead: Sample | None = None
    ) -> Gathered:
        """The page among the first `limit` of `source`, or those of its sample, that meet `conditions`; capped if there
        were more than `enough`."""
        try:
            matched, matched_params = listed(source[: limit or enough + 1])
            ahead, ahead_params = compiled(self.ahead.only("pk")[: self.reach])
            page, page_params = listed(self.ahead.filter(*conditions)[: self.wanted.size + 1])
        except EmptyResultSet:  # a condition that nothing can meet
            return Gathered([])
        (many, many_params), (sample, sample_params) = (instead.many, instead.rows) if instead else (("FALSE", ()), ("", ()))
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
        params = (*many_params, *matched_params, *sample_params, enough, *ahead_params, *page_params)
        rows: list[Any] = keyset.read(self.accounts.db, sql, params)
        capped, visited = bool(rows[0].capped), rows[0].visited
        return Gathered(self.sorted(row for row in rows if row.pk), capped, capped and visited < self.reach)

    @property
    def order(self) -> tuple:
        return keyset.order(self.wanted.sort, self.backwards)

    def sorted(self, rows: Iterable[User]) -> list[User]:
        """In reading order, at most one more than a page. Python orders text and times as the database does."""
        sort = self.wanted.sort
        key = keyset.SORTS[sort].of
        ordered = sorted(rows, key=lambda row: (key(row), row.pk), reverse=sort.startswith("-") != self.backwards)
        return ordered[: self.wanted.size + 1]


def counted(matches: UserQuerySet) -> Compiled:
    """Whether more match than can be gathered, from the index alone where it knows."""
    sql, params = compiled(matches.values("pk")[: GATHER + 1])
    return f"(SELECT COUNT(*) > %s FROM ({sql}) AS counted)", (GATHER, *params)  # noqa: S608


def pages(candidates: UserQuerySet) -> Sample:
    """What the same random pages hold as long as the table stays as it is, so that one page of the list follows another."""
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
    """One or two characters begin too many names to unite three whole ranges: some thousand of each are enough."""
    word = min(search.words, key=len)
    firsts = [
        compiled(User.objects.filter(beginning(column, word)).values("pk")[: GATHER + 1])
        for column in ("username", "email", "name")
    ]
    union = " UNION ".join(f"SELECT * FROM ({sql}) AS first{number}" for number, (sql, _) in enumerate(firsts))  # noqa: S608
    return Q(pk__in=RawSQL(union, [param for _, params in firsts for param in params]))  # noqa: S611  compiled by the ORM
