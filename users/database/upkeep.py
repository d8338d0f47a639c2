"""The state of tables and indexes: stale statistics, bloat, and indexes that are unused, missing,
duplicate or invalid. `manage.py optimize_db` prints it and mends what can be mended online.
"""

import re
from dataclasses import dataclass

from django.db import DatabaseError, connection

# Rows that were changed since the last ANALYZE: this share of the table, and at least so many.
STALE_SHARE = 0.1
STALE_ROWS = 1000
# Dead rows above this share are reported as bloat.
BLOAT_SHARE = 0.2
# Larger tables and indexes are reported; small ones cost nothing.
LARGE_BYTES = 8 * 1024 * 1024
STATISTICS = """
    SELECT relname, n_live_tup, n_dead_tup, n_mod_since_analyze,
        last_analyze IS NULL AND last_autoanalyze IS NULL,
        seq_scan, idx_scan, pg_relation_size(relid)
    FROM pg_stat_user_tables WHERE schemaname = current_schema() ORDER BY relname
"""
# The names of unfinished copies, with a number if there are several.
COPY_NAME = re.compile(r"_cc(new|old)\d*$")
# Indexes that neither enforce uniqueness nor belong to a constraint.
UNUSED = """
    SELECT indexrelname, pg_relation_size(s.indexrelid)
    FROM pg_stat_user_indexes s JOIN pg_index i USING (indexrelid)
    WHERE s.schemaname = current_schema() AND s.idx_scan = 0 AND NOT i.indisunique
        AND pg_relation_size(s.indexrelid) > %s
    ORDER BY 2 DESC
"""
DUPLICATE = """
    SELECT string_agg(indexrelid::regclass::text, ' and ' ORDER BY indexrelid::regclass::text), 0
    FROM pg_index JOIN pg_class ON oid = indexrelid
    WHERE relnamespace = current_schema()::regnamespace AND indisvalid
    GROUP BY indrelid, relam, indkey::text, indclass::text, indcollation::text, indoption::text,
        coalesce(pg_get_expr(indexprs, indrelid), ''), coalesce(pg_get_expr(indpred, indrelid), '')
    HAVING count(*) > 1 ORDER BY 1
"""
# Without those of a table on which somebody is just building one: it becomes valid, or is found the
# next time.
INVALID = """
    SELECT relname, pg_relation_size(indexrelid)
    FROM pg_index JOIN pg_class ON oid = indexrelid
    WHERE relnamespace = current_schema()::regnamespace AND NOT indisvalid AND NOT EXISTS (
        SELECT FROM pg_stat_progress_create_index AS build
        WHERE build.relid = indrelid AND build.datname = current_database()
    )
    ORDER BY relname
"""


@dataclass(frozen=True)
class TableState:
    """The statistics of a table on PostgreSQL."""

    name: str
    rows: int
    dead_rows: int
    changed_rows: int
    is_unanalyzed: bool
    scans: int
    index_scans: int | None
    bytes: int

    @property
    def is_stale(self) -> bool:
        limit = max(STALE_SHARE * self.rows, STALE_ROWS)
        return self.changed_rows > limit or (self.is_unanalyzed and self.rows > 0)

    @property
    def is_bloated(self) -> bool:
        total = self.rows + self.dead_rows
        return self.bytes > LARGE_BYTES and self.dead_rows > BLOAT_SHARE * total

    @property
    def lacks_index(self) -> bool:
        """Whether a large table is mostly read as a whole."""
        return self.bytes > LARGE_BYTES and self.scans > (self.index_scans or 0)


def table_states() -> list[TableState]:
    return [TableState(*row) for row in select_rows(STATISTICS)]


def unused_indexes() -> list[tuple[str, int]]:
    """Returns name and bytes of large indexes that no query has used since the last reset."""
    return select_rows(UNUSED, LARGE_BYTES)


def duplicate_indexes() -> list[str]:
    """Returns the names of indexes with equal columns, order and condition, joined by "and"."""
    return [names for names, _ in select_rows(DUPLICATE)]


def invalid_indexes() -> list[str]:
    """Returns the names of indexes that a build left unfinished: no query uses them."""
    return [name for name, _ in select_rows(INVALID)]


def analyze_table(name: str) -> None:
    execute_statement(f"ANALYZE {connection.ops.quote_name(name)}")


def is_unfinished_copy(name: str) -> bool:
    """Returns whether an invalid index is what an interrupted rebuild has left beside the index."""
    return COPY_NAME.search(name) is not None


def rebuild_index(name: str) -> str:
    """Rebuilds an index online; an unfinished copy of an earlier rebuild is dropped. Returns why it
    failed, "" if it did not.
    """
    quoted = connection.ops.quote_name(name)
    command = (
        "DROP INDEX CONCURRENTLY" if is_unfinished_copy(name) else "REINDEX INDEX CONCURRENTLY"
    )
    try:
        execute_statement(f"{command} {quoted}")
    except DatabaseError as error:
        drop_copies()
        return str(error).partition("\n")[0]
    return ""


def drop_copies() -> None:
    """Drops the unfinished copies that a failed rebuild leaves behind."""
    for name in invalid_indexes():
        if is_unfinished_copy(name):
            execute_statement(f"DROP INDEX CONCURRENTLY {connection.ops.quote_name(name)}")


# --- SQLite ---------------------------------------------------------------------------------------


def search_indexes() -> list[str]:
    """Returns the full-text tables of SQLite."""
    rows = select_rows("SELECT name FROM sqlite_master WHERE sql LIKE '%%USING fts5%%'")
    return [name for (name,) in rows]


def optimize_sqlite() -> None:
    """Merges the search index, refreshes statistics and empties the write-ahead log."""
    for name in search_indexes():
        quoted = connection.ops.quote_name(name)
        statement = f"INSERT INTO {quoted} ({quoted}) VALUES ('optimize')"  # noqa: S608
        execute_statement(statement)
    execute_statement("PRAGMA optimize")
    execute_statement("ANALYZE")
    execute_statement("PRAGMA wal_checkpoint(TRUNCATE)")


def select_rows(query: str, *parameters: int) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


def execute_statement(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
