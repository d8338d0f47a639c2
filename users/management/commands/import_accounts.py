"""manage.py import_accounts FILE: accounts out of a CSV file. docs/importing.md has examples."""

import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from django.core.management.base import BaseCommand, CommandError

from users import access
from users.models import State
from users.transfer.column_mapping import BadMapping, ColumnMapping, build_mapping
from users.transfer.formats import ImportSource, UnreadableFile
from users.transfer.formats import csv as csv_format
from users.transfer.import_chunk import IMPORT_OUTCOMES, REJECTED, RowOutcome
from users.transfer.import_fields import IMPORT_FIELDS, KEY_FIELDS
from users.transfer.import_report import ImportReport
from users.transfer.import_run import ImportRun

REJECTED_SHOWN = 20  # rejected rows; --report has them all


class Command(BaseCommand):
    help = (
        "Imports accounts from a CSV file. A column is imported into the field of the same name, "
        "unless --map or --set says otherwise. New accounts have no usable password, and "
        "no email is "
        "sent. Importing a file twice creates no duplicates. The last line of the output is: "
        "read = created + updated + unchanged + rejected. Exit code 1: the file can't be "
        "read to its "
        "end, a row doesn't fit the columns, or every row was rejected."
    )

    def add_arguments(self, parser) -> None:
        add = parser.add_argument
        add("file", help="the file, or - for standard input")
        add(
            "--map",
            action="append",
            default=[],
            metavar="COLUMN=FIELD",
            help=f"FIELD is one of {', '.join(IMPORT_FIELDS)}",
        )
        add(
            "--set",
            action="append",
            default=[],
            metavar="FIELD={TEMPLATE}",
            help="a field composed of columns, such as "
            "'email={GivenName|slug}.{Surname|slug}@example.com'",
        )
        add(
            "--attributes",
            default="",
            metavar="COLUMN,COLUMN",
            help="columns to store as attributes of the account",
        )
        add(
            "--source",
            default="",
            metavar="NAME",
            help="the system the file comes from; required for source_id",
        )
        add(
            "--key",
            default="",
            choices=["", *KEY_FIELDS],
            help="the field that identifies an account (default: the first of these in the file)",
        )
        add(
            "--update",
            action="store_true",
            help="also change existing accounts; empty cells change nothing",
        )
        add(
            "--status",
            default=State.ACTIVE,
            choices=[State.ACTIVE, State.INVITED],
            help="the status of new accounts (default: active)",
        )
        add("--dry-run", action="store_true", help="check and count everything without storing it")
        add(
            "--report",
            default="",
            metavar="FILE",
            help="write a CSV file with the result of each row",
        )
        add(
            "--encoding",
            default="utf-8-sig",
            help="the encoding of the file (default: UTF-8, with or without a byte order mark)",
        )
        add(
            "--delimiter",
            default="",
            help="the character between cells (default: comma, semicolon or tab, as detected)",
        )
        add(
            "--skip-lines",
            type=int,
            default=0,
            metavar="N",
            help="the number of lines before the column names",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.name = options["file"]
        self.options = options
        self.dry_run = options["dry_run"]
        self.totals: Counter[str] = Counter()
        self.misfits = 0
        self.started = self.told = time.monotonic()
        with ExitStack() as stack:
            finished = self.run(stack)
        if self.dry_run:
            self.stdout.write("Dry run: nothing was stored.")
        read = self.totals.total()
        self.stdout.write(
            f"{read} read = "
            + " + ".join(f"{self.totals[kind]} {kind}" for kind in IMPORT_OUTCOMES)
        )
        if not finished or self.misfits or (read and self.totals[REJECTED] == read):
            sys.exit(1)

    def run(self, stack: ExitStack) -> bool:
        """Whether the file could be read to its end."""
        try:
            source = self.source(stack.enter_context(open_input(self.name)))
            mapping = self.mapping(source)
        except (UnreadableFile, BadMapping) as error:
            raise CommandError(str(error)) from error
        self.show(mapping)
        path = self.options["report"]
        self.report = (
            ImportReport(stack.enter_context(open_report(path, self.name))) if path else None
        )
        options = {name: self.options[name] for name in ("update", "status", "dry_run")}
        try:
            ImportRun(mapping, access.CommandActor("import_accounts"), **options).run(
                source.records, self.tell
            )
        except UnreadableFile as error:
            done = (
                ""
                if self.dry_run
                else (
                    "\nThe rows before it are imported. Fix the file and import it again: no "
                    "account is created twice."
                )
            )
            self.stderr.write(f"{error}{done}")
            return False
        return True

    def source(self, file: BinaryIO) -> ImportSource:
        delimiter = {"tab": "\t", "\\t": "\t"}.get(
            self.options["delimiter"], self.options["delimiter"]
        )
        if len(delimiter) > 1 or delimiter in ('"', "\r", "\n"):
            raise CommandError("--delimiter takes one character or “tab”.")
        if self.options["skip_lines"] < 0:
            raise CommandError("--skip-lines takes a number of lines.")
        options = {
            "encoding": self.options["encoding"],
            "delimiter": delimiter,
            "skip_lines": self.options["skip_lines"],
        }
        return csv_format.read_csv(file, self.name, **options)

    def mapping(self, source: ImportSource) -> ColumnMapping:
        attributes = [
            column.strip() for column in self.options["attributes"].split(",") if column.strip()
        ]
        return build_mapping(
            source,
            maps=self.options["map"],
            sets=self.options["set"],
            attributes=attributes,
            system=self.options["source"],
            key=self.options["key"],
        )

    def show(self, mapping: ColumnMapping) -> None:
        for field, template in mapping.templates.items():
            self.stdout.write(f"{template.text} → {field}")
        if mapping.attributes:
            self.stdout.write(f"Stored as attributes: {', '.join(mapping.attributes)}")
        if mapping.ignored:
            self.stdout.write(f"Ignored: {', '.join(mapping.ignored)}")
        self.stdout.write(
            "Accounts are identified by "
            f"{mapping.key}{f' of {mapping.source}' if mapping.key == 'source_id' else ''}."
        )

    def tell(self, outcome: RowOutcome) -> None:
        self.totals[outcome.kind] += 1
        self.misfits += outcome.misfit
        if self.report:
            self.report.write(outcome, stored=not self.dry_run)
        if outcome.kind == REJECTED and self.totals[REJECTED] <= REJECTED_SHOWN:
            self.stderr.write(f"{self.name}, line {outcome.line}: {outcome.reason}")
        if outcome.kind == REJECTED and self.totals[REJECTED] == REJECTED_SHOWN + 1:
            self.stderr.write("More rows were rejected. --report FILE lists them all.")
        now = time.monotonic()
        if now - self.told >= 2:
            self.told = now
            read = self.totals.total()
            self.stdout.write(f"  {read:,} rows, {read / (now - self.started):,.0f} per second")
            self.stdout.flush()  # a pipe would keep it until the end


def open_input(name: str) -> BinaryIO:
    """Raises Unreadable."""
    if name == "-":
        return sys.stdin.buffer
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise UnreadableFile(name, 0, f"{error.strerror}.") from error


def open_report(path: str, source: str) -> TextIO:
    """Raises CommandError where there can be no report."""
    if source != "-" and Path(path).exists() and Path(path).samefile(source):
        raise CommandError("--report: this is the file to import; it would be overwritten.")
    try:
        return Path(path).open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise CommandError(f"--report: {path}: {error.strerror}.") from error
