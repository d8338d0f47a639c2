"""The strategies scan-first and collect-first. page_finder.py chooses between them."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections

from users.database.prepared_statements import SqlWithParams, inline_values
from users.directory.query import limits
from users.directory.query.account_reader import ExtraColumns, read_accounts, select_listed
from users.directory.query.collect_sql import (
    common_words_collect_sql,
    filter_collect_sql,
    index_sample_collect_sql,
    is_postgresql,
    search_collect_sql,
    trigrams_collect_sql,
)
from users.directory.query.key_sample import SAMPLE_MEMORY
from users.directory.query.keyset import is_descending
from users.directory.query.page_query import PageQuery
from users.directory.query.scan_sql import range_sql, scan_sql
from users.directory.sorts import SORTS
from users.models import User


@dataclass(frozen=True)
class PageRows:
    """Rows in reading order, at most one more than a page."""

    rows: list[User]
    # Whether there are matches that were not read.
    capped: bool = False
    # Accounts to put first.
    named: list[User] = field(default_factory=list)


@dataclass(frozen=True)
class CollectedRows:
    """Collected rows in reading order, at most one more than a page."""

    rows: list[User]
    # Whether the source holds more accounts than were read.
    capped: bool = False
    # Whether a scan reaches the end of the order within its limit.
    scan_is_complete: bool = False


class PageReader(PageQuery):
    """Reads the rows of a page: from a range of an index, by a scan, or by collecting matches."""

    def scan_first(self) -> PageRows:
        """Returns the rows of a scan; collects matches if the scan does not fill the page."""
        named, rows = self.scan()
        collect = self.collect_by_search if self.wanted.search else self.collect_by_filter
        return replace(self.complete_scan(rows, collect), named=named)

    def collect_first(self) -> PageRows:
        """Returns the matches collected by the filters; scans too if there are too many."""
        collected = self.collect_by_filter()
        if not collected.capped:
            return PageRows(collected.rows)
        _, rows = self.scan()
        collect = self.collect_by_search if self.wanted.search else lambda: collected
        return self.complete_scan(rows, collect)

    def complete_scan(self, rows: list[User], collect: Callable[[], CollectedRows]) -> PageRows:
        """Returns the scanned `rows` if they fill the page or are all matches.

        Otherwise returns the collected rows, together with the scanned ones if they are a sample.
        """
        if len(rows) > self.wanted.size:
            return PageRows(rows)
        collected = collect()
        if collected.scan_is_complete:
            return PageRows(rows)
        if not collected.capped:
            return PageRows(collected.rows)
        distinct = {row.pk: row for row in [*collected.rows, *rows]}
        return PageRows(self.sort_rows(distinct.values()), capped=True)

    def read_range(self, extra: ExtraColumns) -> list[User]:
        """Returns the rows of a page from an index that holds exactly the matches in order."""
        try:
            tail = self.statement(range_sql)
        except EmptyResultSet:
            # A condition can't be met.
            return []
        sql, params = select_listed(tail, extra)
        return read_accounts(
            self.accounts.db, sql, params, prepare_on_first_use=not self.wanted.search
        )

    def scan(self) -> tuple[list[User], list[User]]:
        """Returns the named accounts, and the matches among the next accounts in order.

        The scan stops at a full page or at its limit.
        """
        try:
            sql, params = self.statement(scan_sql)
        except EmptyResultSet:
            return [], []
        found: list[Any] = read_accounts(
            self.accounts.db, sql, params, prepare_on_first_use=not self.wanted.search
        )
        named = [row for row in found if row.is_named]
        rows = [row for row in found if not row.is_named]
        return named, rows

    def collect_by_filter(self) -> CollectedRows:
        """Returns matches collected through the indexes of the filters."""
        return self.collect(filter_collect_sql)

    def collect_by_search(self) -> CollectedRows:
        """Returns matches collected through the search index."""
        search = self.wanted.search
        if search.matches_nothing:
            return CollectedRows([])
        terms = search.index_terms(self.accounts.db)
        if not terms or not is_postgresql(self):
            return self.collect(search_collect_sql, terms)
        sample = SAMPLE_MEMORY.get(self.accounts.db)
        number = sample.estimate(terms)
        if number > limits.COMMON_WORD_LIMIT:
            return self.collect(common_words_collect_sql, terms)
        may_be_sample = number > limits.CANDIDATE_LIMIT
        if number > limits.MANY_CANDIDATES:
            collected = self.collect(index_sample_collect_sql, terms)
            if collected.capped:
                return collected
            # The estimate is wrong: all the keys were on one page, such as those of one import.
            may_be_sample = False
        trigrams = sample.lookup_trigrams(terms, limits.CANDIDATE_LIMIT)
        return self.collect(trigrams_collect_sql, trigrams, terms, may_be_sample)

    def collect(self, build: Callable[..., SqlWithParams], *options: Hashable) -> CollectedRows:
        """Returns the rows of the statement `build(query, *options)`."""
        try:
            statement = self.statement(build, *options)
        except EmptyResultSet:
            return CollectedRows([])
        prepare_on_first_use = not statement[1] and not self.wanted.search
        # The best plan depends on the number of matches, so no parameter is left open.
        sql, params = inline_values(connections[self.accounts.db], statement, lambda value: False)
        rows: list[Any] = read_accounts(
            self.accounts.db, sql, params, prepare_on_first_use=prepare_on_first_use
        )
        capped = bool(rows[0].capped)
        return CollectedRows(
            rows=self.sort_rows(row for row in rows if row.pk),
            capped=capped,
            scan_is_complete=capped and rows[0].visited < self.scan_limit,
        )

    def sort_rows(self, rows: Iterable[User]) -> list[User]:
        """Returns the first rows in reading order, at most one more than a page.

        Python sorts text and times in the same order as the database.
        """
        read_key = SORTS[self.wanted.sort].read_key
        ordered = sorted(
            rows,
            key=lambda row: (read_key(row), row.pk),
            reverse=is_descending(self.wanted.sort, self.backwards),
        )
        return ordered[: self.wanted.size + 1]
