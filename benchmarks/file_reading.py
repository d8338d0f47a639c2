"""python -m benchmarks.file_reading --rows N: reads a file of N rows in each format, each in a
process of its own, and prints rows a second and how much memory that process needed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import django

from tests.formats.workbooks import NAMESPACE, make_workbook

COLUMNS = ("id", "username", "email", "first_name", "last_name", "phone", "city", "joined")
FORMATS = ("csv", "csv.gz", "jsonl", "json", "xlsx")
SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--read", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        read_file(Path(options.read))
        return
    with tempfile.TemporaryDirectory() as folder:
        for suffix in FORMATS:
            path = Path(folder) / f"people.{suffix}"
            write_file(path, options.rows)
            command = [sys.executable, "-m", "benchmarks.file_reading", "--read", str(path)]
            subprocess.run(command, check=True)


def read_file(path: Path) -> None:
    """Prints the speed and the memory of reading a file."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    django.setup()
    # Models are imported only then.
    from users.formats.options import ReadOptions
    from users.formats.registry import open_source

    before = peak_memory()
    started = time.process_time()
    with path.open("rb") as file:
        records = open_source(file, path.name, ReadOptions()).source.records
        rows = sum(1 for record in records if not record.misfit)
    seconds = time.process_time() - started
    grown = peak_memory() - before
    size = path.stat().st_size / 1024**2
    print(f"{path.name}: {size:.0f} MB, {rows:,} rows, {rows / seconds:,.0f} a second, ", end="")
    print(f"{grown:.0f} MB of memory", flush=True)


def peak_memory() -> float:
    """Returns the largest size of this process so far, in megabytes."""
    # Unlike ru_maxrss, it does not count the process before it ran this program.
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def account_rows(number: int) -> Iterator[tuple[str, ...]]:
    """Yields the texts of accounts, of which four are different in each."""
    for row in range(number):
        name = f"person{row:08}"
        phone = f"+49151{row:08}"
        rest = ("Zoë", "O’Brien", phone, f"Town {row % 1000}", "2024-02-29")
        yield (str(row), name, f"{name}@example.com", *rest)


def write_file(path: Path, rows: int) -> None:
    """Writes a file in the format of its name."""
    if path.suffix == ".xlsx":
        write_workbook(path, rows)
        return
    if path.suffix == ".gz":
        source = path.with_suffix("")
        subprocess.run(["gzip", "-kf", str(source)], check=True)
        return
    with path.open("w") as file:
        lines = {"csv": csv_lines, "jsonl": json_lines, "json": json_array}[path.suffix[1:]]
        file.writelines(lines(rows))


def csv_lines(rows: int) -> Iterator[str]:
    yield ",".join(COLUMNS) + "\n"
    for row in account_rows(rows):
        yield ",".join(row) + "\n"


def json_lines(rows: int) -> Iterator[str]:
    for row in account_rows(rows):
        pairs = ", ".join(f'"{name}": "{text}"' for name, text in zip(COLUMNS, row, strict=True))
        yield f"{{{pairs}}}\n"


def json_array(rows: int) -> Iterator[str]:
    lines = json_lines(rows)
    yield "["
    yield from islice(lines, 1)
    for line in lines:
        yield f",{line}"
    yield "]"


def write_workbook(path: Path, rows: int) -> None:
    """Writes a workbook with all texts in the table of shared strings, as Excel does."""
    path.write_bytes(make_workbook({"People": ""}, strings="<si><t>x</t></si>"))
    with ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            if name not in (SHEET, STRINGS):
                archive.writestr(name, content)
        write_strings(archive, rows)
        write_sheet(archive, rows)


def write_strings(archive: ZipFile, rows: int) -> None:
    with archive.open(STRINGS, "w", force_zip64=True) as file:
        file.write(f"<sst {NAMESPACE}>".encode())
        for row in (COLUMNS, *account_rows(rows)):
            file.write("".join(f"<si><t>{text}</t></si>" for text in row).encode())
        file.write(b"</sst>")


def write_sheet(archive: ZipFile, rows: int) -> None:
    letters = "ABCDEFGH"
    with archive.open(SHEET, "w", force_zip64=True) as file:
        file.write(f"<worksheet {NAMESPACE}><sheetData>".encode())
        for row in range(rows + 1):
            cells = "".join(
                f'<c r="{letter}{row + 1}" t="s"><v>{row * 8 + column}</v></c>'
                for column, letter in enumerate(letters)
            )
            file.write(f'<row r="{row + 1}">{cells}</row>'.encode())
        file.write(b"</sheetData></worksheet>")


if __name__ == "__main__":
    main()
