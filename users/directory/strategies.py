"""The two ways through the accounts where no index holds the wanted ones in order. finder.py says
when to take which.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections

from users.database.prepared_statements import SqlWithParams, inline_values
from users.directory import keyset
from users.directory.sql import (
    PageQuery,
    filter_collect_sql,
    range_sql,
    scan_sql,
    search_collect_sql,
)
from users.models import User


@dataclass(frozen=True)
class PageRows:
    """`rows` in reading order, at most one more than a page. `capped`: there are matches that were
    not looked at. `named`: what was asked to stand first.
    """

    rows: list[User]
    capped: bool = False
    named: list[User] = field(default_factory=list)


@dataclass(frozen=True)
class CollectedRows:
    """`rows` as in Ahead. `capped`: the source held more than was taken. `at_end`: the walk could
    look at all there is.
    """

    rows: list[User]
    capped: bool = False
    at_end: bool = False


class PageReader(PageQuery):
    """The accounts beyond a cursor that are wanted, found by walking or gathering."""

    def walk_first(self) -> PageRows:
        named, rows = self.walk()
        return replace(
            self.walked_or(rows, self.by_search if self.wanted.search else self.by_filter),
            named=named,
        )

    def gather_first(self) -> PageRows:
        """By a filter that few accounts meet; if many do, as ever."""
        gathered = self.by_filter()
        if not gathered.capped:
            return PageRows(gathered.rows)
        _, rows = self.walk()
        return self.walked_or(rows, self.by_search if self.wanted.search else lambda: gathered)

    def walked_or(self, rows: list[User], gather: Callable[[], CollectedRows]) -> PageRows:
        if len(rows) > self.wanted.size:
            return PageRows(rows)
        gathered = gather()
        if gathered.at_end:
            return PageRows(rows)
        if not gathered.capped:
            return PageRows(gathered.rows)
        return PageRows(
            self.sorted({row.pk: row for row in [*gathered.rows, *rows]}.values()), capped=True
        )

    def straight(self, beside: keyset.ExtraColumns) -> list[User]:
        """Where the lane holds all that are wanted, and nobody else."""
        try:
            sql, params = keyset.select_listed(self.statement(range_sql), beside)
        except EmptyResultSet:  # a condition that nothing can meet
            return []
        return keyset.read_accounts(self.accounts.db, sql, params, often=not self.wanted.search)

    def walk(self) -> tuple[list[User], list[User]]:
        """The named accounts; and matches among the next accounts, as far as a page needs them and
        no further.
        """
        try:
            sql, params = self.statement(scan_sql)
        except EmptyResultSet:
            return [], []
        rows: list[Any] = keyset.read_accounts(
            self.accounts.db, sql, params, often=not self.wanted.search
        )
        return [row for row in rows if row.stands_first], [
            row for row in rows if not row.stands_first
        ]

    def by_filter(self) -> CollectedRows:
        """Through the filters' own indexes; the search is checked row by row. Of one filter's
        matches the newest, where an index knows them.
        """
        return self.gather(filter_collect_sql)

    def by_search(self) -> CollectedRows:
        """Through the search's index; everything else is checked row by row, so that the index
        alone says how much of the whole was looked at.
        """
        return (
            CollectedRows([]) if self.wanted.search.impossible else self.gather(search_collect_sql)
        )

    def gather(self, make: Callable[[PageQuery], SqlWithParams]) -> CollectedRows:
        try:
            sql, params = self.statement(make)
        except EmptyResultSet:
            return CollectedRows([])
        # How many fit decides the plan: nothing may be open.
        often = not params and not self.wanted.search
        sql, params = inline_values(
            connections[self.accounts.db], (sql, params), lambda value: False
        )
        rows: list[Any] = keyset.read_accounts(self.accounts.db, sql, params, often=often)
        capped = bool(rows[0].capped)
        visited = rows[0].visited
        return CollectedRows(
            self.sorted(row for row in rows if row.pk), capped, capped and visited < self.reach
        )

    def sorted(self, rows: Iterable[User]) -> list[User]:
        """In reading order, at most one more than a page. Python orders text and times as the
        database does.
        """
        sort = self.wanted.sort
        key = keyset.SORTS[sort].of
        ordered = sorted(
            rows, key=lambda row: (key(row), row.pk), reverse=sort.startswith("-") != self.backwards
        )
        return ordered[: self.wanted.size + 1]
