"""The two ways through the accounts where no index holds the wanted ones in order. finder.py says when to take which."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from django.core.exceptions import EmptyResultSet
from django.db.models import F, Q, Value
from django.db.models.expressions import RawSQL

from users.directory import keyset
from users.directory.filter import Filter
from users.directory.parameters import PARAMETERS
from users.directory.search import Search, beginning
from users.models import User, UserQuerySet

WALK = 3_000
GATHER = 2_000  # matches of a filter
CANDIDATES = 6_000  # accounts that the index names for a search
FROM = ' FROM "users_user"'


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
        """Everybody beyond the cursor, in order."""
        return keyset.beyond(self.accounts, self.wanted.sort, self.cursor, self.backwards)

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
        """The named accounts; and matches among the next WALK accounts, as far as a page needs them and no further."""
        matching = self.accounts.filter(*self.wanted.conditions(), *self.wanted.search.conditions())
        matching = matching.annotate(stands_first=Value(0)).order_by(*self.order)[: self.wanted.size + 1]
        try:
            reached, reached_params = compiled(self.ahead[:WALK])
            sql, (marker, *rest) = compiled(matching)
        except EmptyResultSet:  # a condition that nothing can meet
            return [], []
        # The parameters of the SELECT list come first, then those of the derived table, then those of the conditions.
        sql, params = sql.replace(FROM, f' FROM ({reached}) AS "users_user"', 1), [marker, *reached_params, *rest]
        if self.named is not None:
            first, first_params = compiled(self.named.annotate(stands_first=Value(1)))
            sql = f"SELECT * FROM ({first}) AS named UNION ALL SELECT * FROM ({sql}) AS walked"  # noqa: S608
            params = [*first_params, *params]
        rows = list(User.objects.using(self.accounts.db).raw(sql, params))
        return [row for row in rows if row.stands_first], [row for row in rows if not row.stands_first]

    def by_filter(self) -> Gathered:
        """Through the filters' own indexes, the newest first where that is free; the search is checked row by row."""
        matches = self.accounts.filter(*self.wanted.conditions()).order_by()
        if any("joined" in PARAMETERS[name].ordered(value) for name, value in self.wanted.values.items()):
            matches = matches.order_by(F("date_joined").desc(), F("pk").desc())
        return self.gather(matches, GATHER + 1, GATHER, self.wanted.search.conditions())

    def by_search(self) -> Gathered:
        """Through the search's index; everything else is checked row by row, so that the index alone says how much of
        the whole was looked at."""
        search = self.wanted.search
        if search.impossible:
            return Gathered([])
        conditions = [*self.wanted.conditions(), *search.conditions()]
        if not search.long_words and not search.fields:
            return self.gather(self.accounts.filter(short_ids(search)), 3 * GATHER, GATHER, conditions)
        return self.gather(search.candidates(self.accounts), CANDIDATES + 1, CANDIDATES, conditions)

    def gather(self, source: UserQuerySet, limit: int, enough: int, conditions: list[Q]) -> Gathered:
        """The page among the first `limit` of `source` that meet `conditions`; capped if there were more than `enough`."""
        try:
            matched, matched_params = compiled(source[:limit])
            ahead, ahead_params = compiled(self.ahead.only("pk")[:WALK])
            page, page_params = compiled(self.ahead.filter(*conditions)[: self.wanted.size + 1])
        except EmptyResultSet:  # a condition that nothing can meet
            return Gathered([])
        page = page.replace(FROM, ' FROM matched AS "users_user"', 1)
        sql = (
            f"WITH matched AS MATERIALIZED ({matched}), total AS (SELECT COUNT(*) AS reached FROM matched) "  # noqa: S608
            "SELECT total.reached, "
            f"CASE WHEN total.reached > %s THEN (SELECT COUNT(*) FROM ({ahead}) AS ahead) END AS visited, page.* "
            f"FROM total LEFT JOIN ({page}) AS page ON TRUE"
        )
        rows = list(User.objects.using(self.accounts.db).raw(sql, (*matched_params, enough, *ahead_params, *page_params)))
        capped, visited = rows[0].reached > enough, rows[0].visited
        return Gathered(self.sorted(row for row in rows if row.pk), capped, capped and visited < WALK)

    @property
    def order(self) -> tuple:
        return keyset.order(self.wanted.sort, self.backwards)

    def sorted(self, rows: Iterable[User]) -> list[User]:
        """In reading order, at most one more than a page. Python orders text and times as the database does."""
        sort = self.wanted.sort
        key = keyset.SORTS[sort].of
        ordered = sorted(rows, key=lambda row: (key(row), row.pk), reverse=sort.startswith("-") != self.backwards)
        return ordered[: self.wanted.size + 1]


def compiled(accounts: UserQuerySet) -> tuple[str, tuple]:
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
