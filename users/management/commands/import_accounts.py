"""manage.py import_accounts FILE: imports accounts from a CSV file (docs/importing.md)."""

import csv
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from contextlib import ExitStack
from io import BufferedIOBase
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from django.core.management.base import BaseCommand, CommandError

from users import access
from users.audit.origin import change_ticket
from users.formats import UnreadableFile
from users.formats.archives.pipe_input import PipeInput
from users.formats.import_fields import KEY_FIELDS
from users.formats.options import ReadOptions
from users.formats.registry import FORMATS, OpenFile, open_source
from users.management.ticket_option import add_ticket_option, valid_ticket
from users.models import State
from users.transfer.imports.column_mapping import BadMapping, ColumnMapping
from users.transfer.imports.command_options import OPTION_TARGETS, default_fields, option_fields
from users.transfer.imports.outcomes import (
    AMBIGUOUS,
    IMPORT_OUTCOMES,
    REJECTED,
    REJECTED_KINDS,
    RowOutcome,
)
from users.transfer.imports.report import ImportReport
from users.transfer.imports.rules import (
    BOTH,
    CREATE,
    ImportRules,
    build_mapping,
    suggested_attributes,
)
from users.transfer.imports.run import ImportRun

# Rejected rows that are printed; --report has all of them.
REJECTED_SHOWN = 20
# Between two lines about the progress.
PROGRESS_SECONDS = 2
RESUME_ADVICE = (
    "The rows before it are imported. Fix the file and import it again: no account is created "
    "twice."
)


class Command(BaseCommand):
    help = (
        "Imports accounts from a file: CSV, Excel (.xlsx), JSON, or an export of another system. A "
        "column is imported into the field of the same name, "
        "unless --map or --set says otherwise. New accounts have no usable password unless the "
        "file has hashes that can be imported, and no email is sent. Importing a file twice "
        "creates no duplicates. The last line of the output is: "
        "read = created + updated + unchanged + rejected. Exit code 1: the file can't be read to "
        "its end, a row doesn't fit the columns or repeats the account of another row, or every "
        "row was rejected."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the file, or - for standard input")
        add_column_arguments(parser)
        add_account_arguments(parser)
        add_run_arguments(parser)
        add_system_arguments(parser)
        add_format_arguments(parser)
        add_header_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        self.name = options["file"]
        self.options = options
        self.dry_run = options["dry_run"]
        self.report: ImportReport | None = None
        self.totals: Counter[str] = Counter()
        self.misfits = 0
        self.skipped: Counter[str] = Counter()
        self.ambiguous = 0
        self.started = time.monotonic()
        self.progress_shown = self.started
        ticket = valid_ticket(options["ticket"])
        with change_ticket(ticket), ExitStack() as stack:
            finished = self.import_file(stack)
        if self.report and self.report.problem:
            self.stderr.write(f"--report: {self.report.problem}, so there is no report.")
            finished = False
        self.show_totals()
        read = self.totals.total()
        if not finished or self.misfits or (read and self.totals[REJECTED] == read):
            sys.exit(1)

    def show_totals(self) -> None:
        """Prints what became of the rows. The last line has all of them."""
        if self.dry_run:
            self.stdout.write("Dry run: nothing was stored.")
        if self.ambiguous:
            self.stdout.write(f"Ambiguous: {self.ambiguous:,} of the rejected rows")
        for what, number in self.skipped.items():
            self.stdout.write(f"Skipped: {what} ({number:,})")
        read = self.totals.total()
        counts = " + ".join(f"{self.totals[kind]} {kind}" for kind in IMPORT_OUTCOMES)
        self.stdout.write(f"{read} read = {counts}")

    def import_file(self, stack: ExitStack) -> bool:
        """Returns whether the file could be read to its end. `stack` closes the opened files."""
        try:
            opened = self.open(stack.enter_context(open_input(self.name)))
            rules = self.rules(opened)
            mapping = build_mapping(opened.source, rules, by_name=True)
        except (UnreadableFile, BadMapping) as error:
            raise CommandError(str(error)) from error
        self.show(mapping)
        self.skipped = opened.source.skipped
        if path := self.options["report"]:
            self.report = ImportReport(open_report(path, self.name))
            stack.callback(self.report.close)
        actor = access.CommandActor("import_accounts")
        run = ImportRun(mapping, actor, rules, dry_run=self.dry_run)
        try:
            run.run(opened.source.records, self.count_row)
        except UnreadableFile as error:
            advice = "" if self.dry_run else f"\n{RESUME_ADVICE}"
            self.stderr.write(f"{error}{advice}")
            return False
        return True

    def open(self, file: BinaryIO) -> OpenFile:
        return open_source(file, self.name, read_options(self.options))

    def rules(self, opened: OpenFile) -> ImportRules:
        """Returns the rules of the options, with the defaults of the file's format."""
        columns = filter(None, map(str.strip, self.options["attributes"].split(",")))
        requested = option_fields(opened.source, self.options["map"], self.options["set"])
        defaults = opened.format.defaults
        fields = default_fields(opened.source, defaults) | requested
        attributes = list(columns) or suggested_attributes(opened.source.columns, defaults)
        suggested_key = defaults.key if defaults.key in fields else ""
        return ImportRules(
            fields=fields,
            attributes=attributes,
            source=self.options["source"] or defaults.source,
            key=self.options["key"] or suggested_key,
            mode=BOTH if self.options["update"] else CREATE,
            status=self.options["status"],
        )

    def show(self, mapping: ColumnMapping) -> None:
        for field, template in mapping.templates.items():
            self.stdout.write(f"{template.text} → {field}")
        if mapping.attributes:
            self.stdout.write(f"Stored as attributes: {', '.join(mapping.attributes)}")
        if mapping.ignored:
            self.stdout.write(f"Ignored: {', '.join(mapping.ignored)}")
        system = f" of {mapping.source or 'their source'}" if mapping.key == "source_id" else ""
        self.stdout.write(f"Accounts are identified by {mapping.key}{system}.")

    def count_row(self, outcome: RowOutcome) -> None:
        is_rejected = outcome.kind in REJECTED_KINDS
        self.totals[REJECTED if is_rejected else outcome.kind] += 1
        self.ambiguous += outcome.kind == AMBIGUOUS
        self.misfits += outcome.misfit
        if self.report:
            self.report.write(outcome, stored=not self.dry_run)
        if is_rejected and self.totals[REJECTED] <= REJECTED_SHOWN:
            self.stderr.write(f"{self.name}, line {outcome.line}: {outcome.reason}")
        if is_rejected and self.totals[REJECTED] == REJECTED_SHOWN + 1:
            self.stderr.write("More rows were rejected. --report FILE lists them all.")
        now = time.monotonic()
        if now - self.progress_shown >= PROGRESS_SECONDS:
            self.progress_shown = now
            read = self.totals.total()
            self.stdout.write(f"  {read:,} rows, {read / (now - self.started):,.0f} per second")
            # A pipe would buffer it until the end.
            self.stdout.flush()


def add_column_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="COLUMN=FIELD",
        help=f"FIELD is one of {', '.join(OPTION_TARGETS)}",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD={TEMPLATE}",
        help="a field composed of columns, such as "
        "'email={GivenName|slug}.{Surname|slug}@example.com'",
    )
    parser.add_argument(
        "--attributes",
        default="",
        metavar="COLUMN,COLUMN",
        help="columns to store as attributes of the account",
    )


def add_account_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--source",
        default="",
        metavar="NAME",
        help="the system the file comes from; required for source_id unless the file has a column "
        "for source",
    )
    parser.add_argument(
        "--key",
        default="",
        choices=["", *KEY_FIELDS],
        help="the field that identifies an account (default: the first of these in the file)",
    )
    parser.add_argument(
        "--update",
        action="store_true",
        help="also change existing accounts; empty cells change nothing",
    )
    parser.add_argument(
        "--status",
        default=State.ACTIVE,
        choices=[State.ACTIVE, State.INVITED],
        help="the status of new accounts (default: active)",
    )


def add_run_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--dry-run", action="store_true", help="check and count everything without storing it"
    )
    add_ticket_option(parser)
    parser.add_argument(
        "--report",
        default="",
        metavar="FILE",
        help="write a CSV file with the result of each row",
    )


def add_system_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        default="",
        choices=["", *(file_format.name for file_format in FORMATS)],
        help="the format of the file (default: as detected)",
    )
    parser.add_argument(
        "--hash-parameters",
        default="",
        metavar="FILE",
        help="a file with the hash parameters of a Firebase project, as its console shows them",
    )


def add_format_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--encoding",
        default="",
        help="the encoding of the file (default: UTF-8, or UTF-16 if the file shows it)",
    )
    parser.add_argument(
        "--delimiter",
        default="",
        help="the character between cells (default: comma, semicolon, tab or |, as detected)",
    )
    parser.add_argument(
        "--sheet",
        default="",
        help="the sheet of a workbook (default: the first visible one)",
    )


def add_header_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--skip-lines",
        type=int,
        default=0,
        metavar="N",
        help="the number of lines before the column names",
    )
    parser.add_argument(
        "--columns",
        default="",
        metavar="NAME,NAME",
        help="the column names of a file without a header; leave a name empty to ignore a column",
    )
    parser.add_argument(
        "--short-rows",
        action="store_true",
        help="accept rows whose last cells are missing, as empty cells",
    )


def read_options(options: dict[str, Any]) -> ReadOptions:
    """Returns how to read the file. Raises CommandError for impossible options."""
    delimiter = {"tab": "\t", "\\t": "\t"}.get(options["delimiter"], options["delimiter"])
    if len(delimiter) > 1 or delimiter in ('"', "\r", "\n"):
        raise CommandError("--delimiter takes one character or “tab”.")
    if options["skip_lines"] < 0:
        raise CommandError("--skip-lines takes a number of lines.")
    columns = next(csv.reader([options["columns"]]), [])
    return ReadOptions(
        format=options["format"],
        encoding=options["encoding"],
        delimiter=delimiter,
        skip_lines=options["skip_lines"],
        columns=tuple(columns),
        short_rows=options["short_rows"],
        sheet=options["sheet"],
        hash_parameters=read_hash_parameters(options["hash_parameters"]),
    )


def read_hash_parameters(path: str) -> str:
    """Returns the text of the file of --hash-parameters. Raises CommandError."""
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--hash-parameters: {path} can’t be read.") from error


def open_input(name: str) -> BinaryIO:
    """Opens a file, or standard input for "-". Raises UnreadableFile."""
    if name == "-":
        pipe = cast(BufferedIOBase, sys.stdin.buffer)
        return cast(BinaryIO, PipeInput(pipe))
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise UnreadableFile(name, 0, f"{error.strerror}.") from error


def open_report(path: str, source: str) -> TextIO:
    """Opens the file of --report. Raises CommandError if it cannot be written."""
    if source != "-" and Path(path).exists() and Path(path).samefile(source):
        raise CommandError("--report: this is the file to import; it would be overwritten.")
    try:
        # With a byte order mark, so that Excel reads accents.
        return Path(path).open("w", encoding="utf-8-sig", newline="")
    except OSError as error:
        raise CommandError(f"--report: {path}: {error.strerror}.") from error
