"""manage.py optimize_db: refreshes statistics, rebuilds invalid indexes, and reports the rest."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from users.database import upkeep


class Command(BaseCommand):
    help = (
        "Runs ANALYZE where statistics are stale and rebuilds invalid indexes online. Only reports "
        "bloat and unused, missing and duplicate indexes. On SQLite it merges the search index and "
        "empties the write-ahead log. Run it as the role that owns the tables."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only report what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        self.dry_run = options["dry_run"]
        self.findings = 0
        if connection.vendor == "sqlite":
            self.optimize_file()
        else:
            self.optimize_server()
        if not self.findings:
            self.stdout.write("Nothing to do.")

    def optimize_file(self) -> None:
        names = ", ".join(upkeep.search_indexes()) or "none"
        self.report(f"Search indexes to merge: {names}. Statistics and write-ahead log.")
        if not self.dry_run:
            upkeep.optimize_sqlite()

    def optimize_server(self) -> None:
        for name in upkeep.invalid_indexes():
            if upkeep.is_unfinished_copy(name):
                self.report(f"{self.verb('Drop', 'Dropping')} {name} of an interrupted rebuild.")
            else:
                self.report(f"{self.verb('Rebuild', 'Rebuilding')} the invalid index {name}.")
            reason = "" if self.dry_run else upkeep.rebuild_index(name)
            if reason:
                self.report(f"{name} can’t be rebuilt: {reason}.")
        tables = upkeep.table_states()
        for table in tables:
            if table.is_stale:
                changed = f"{table.changed_rows:,} rows changed"
                self.report(f"{self.verb('Analyze', 'Analyzing')} {table.name}: {changed}.")
                if not self.dry_run:
                    upkeep.analyze_table(table.name)
        self.report_tables(tables)
        self.report_indexes()

    def report_tables(self, tables: list[upkeep.TableState]) -> None:
        for table in tables:
            if table.is_bloated:
                self.report(
                    f"Bloat: {table.name} has {table.dead_rows:,} dead rows beside "
                    f"{table.rows:,}. Check that autovacuum keeps up."
                )
            if table.lacks_index:
                self.report(
                    f"Missing index? {table.name} was read as a whole {table.scans:,} times, "
                    f"by index {table.index_scans or 0:,} times."
                )

    def report_indexes(self) -> None:
        for name, size in upkeep.unused_indexes():
            self.report(
                f"Unused index: {name}, {size / 1e6:,.0f} MB. No query on this server has used it."
            )
        for names in upkeep.duplicate_indexes():
            self.report(f"Duplicate indexes: {names}.")

    def verb(self, planned: str, running: str) -> str:
        return f"Would {planned.lower()}" if self.dry_run else running

    def report(self, line: str) -> None:
        self.findings += 1
        self.stdout.write(line)
