"""Writes the files of benchmarks.hostile_files: very large, or larger than they look."""

import gzip
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from tests.formats.workbooks import NAMESPACE, make_workbook, make_zip, text_row

MEGABYTE = 1024 * 1024
HEADER = b"username,email\n"
ROWS_AT_ONCE = 50_000
MANY_ROWS = 6_000_000
MANY_TEXTS = 3_000_000
# Nine entities, each of which repeats the one before it ten times.
ENTITIES = "".join(
    f'<!ENTITY {chr(98 + level)} "{f"&{chr(97 + level)};" * 10}">' for level in range(9)
)


@dataclass(frozen=True)
class HostileFile:
    """A file: its description, its name, and the function that yields its content."""

    label: str
    name: str
    content: Callable[[], Iterator[bytes]]


def write_hostile_file(file: HostileFile, folder: Path) -> Path:
    """Writes a file and returns its path."""
    path = folder / file.name
    with path.open("wb") as stream:
        stream.writelines(file.content())
    return path


def repeat(start: bytes, unit: bytes, size: int, end: bytes = b"") -> Iterator[bytes]:
    """Yields `start`, copies of `unit` until there are `size` bytes, and `end`."""
    yield start
    block = unit * (MEGABYTE // len(unit))
    for _ in range(size // len(block)):
        yield block
    yield end


def account_lines(number: int) -> Iterator[bytes]:
    """Yields a CSV file of this number of accounts."""
    yield HEADER
    for first in range(0, number, ROWS_AT_ONCE):
        last = min(first + ROWS_AT_ONCE, number)
        lines = (b"h%08d,h%08d@example.org\n" % (row, row) for row in range(first, last))
        yield b"".join(lines)


def compress(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Yields the parts as a gzip file."""
    content = BytesIO()
    with gzip.GzipFile(fileobj=content, mode="wb", compresslevel=1) as archive:
        for part in parts:
            archive.write(part)
    yield content.getvalue()


def zip_parts(parts: Iterator[bytes], member: str = "people.csv") -> bytes:
    """Returns a ZIP archive with one file."""
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive, archive.open(member, "w") as stream:
        for part in parts:
            stream.write(part)
    return content.getvalue()


def lying_zip() -> Iterator[bytes]:
    """Yields an archive that declares 200 bytes for its file of 30 MB."""
    content = bytearray(zip_parts(account_lines(1_200_000)))
    for place in (22, content.index(b"PK\x01\x02") + 24):
        content[place : place + 4] = (200).to_bytes(4, "little")
    yield bytes(content)


def linked_zip() -> Iterator[bytes]:
    """Yields an archive with a symbolic link."""
    content = BytesIO()
    entry = ZipInfo("people.csv")
    entry.external_attr = 0o120777 << 16
    with ZipFile(content, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    yield content.getvalue()


def doubled_zip() -> Iterator[bytes]:
    """Yields an archive with two files of the same name."""
    content = BytesIO()
    with warnings.catch_warnings(), ZipFile(content, "w") as archive:
        warnings.simplefilter("ignore")
        for _ in range(2):
            archive.writestr("people.csv", HEADER)
    yield content.getvalue()


def shared_texts() -> Iterator[bytes]:
    """Yields a workbook whose only row needs the last of its shared texts."""
    row = f"<row><c t='s'><v>{MANY_TEXTS - 1}</v></c></row>"
    sheet = text_row("username") + row
    yield make_workbook({"A": sheet}, strings="<si><t>shared</t></si>" * MANY_TEXTS)


def large_shared_text() -> Iterator[bytes]:
    """Yields a workbook with a shared text of 200 MB."""
    text = "x" * 200 * MEGABYTE
    sheet = text_row("username") + "<row><c t='s'><v>0</v></c></row>"
    yield make_workbook({"A": sheet}, strings=f"<si><t>{text}</t></si>")


def entity_bomb() -> Iterator[bytes]:
    """Yields a workbook whose sheet has nested entities."""
    with ZipFile(BytesIO(make_workbook({"A": ""}))) as archive:
        members: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    start = f'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">{ENTITIES}]>'
    cell = "<row><c t='str'><v>&j;</v></c></row>"
    sheet = f"{start}<worksheet {NAMESPACE}><sheetData>{cell}</sheetData></worksheet>"
    members["xl/worksheets/sheet1.xml"] = sheet
    yield make_zip(members)


def sparse_sheet() -> Iterator[bytes]:
    """Yields a workbook with its only cells in two corners."""
    rows = "<row r='1'><c r='A1' t='str'><v>username</v></c></row>"
    rows += "<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>"
    yield make_workbook({"A": rows})


def empty_rows() -> Iterator[bytes]:
    """Yields a workbook with as many empty rows as a sheet can have."""
    yield make_workbook({"A": text_row("username") + "<row/>" * 1_048_575})


def nested_zip() -> Iterator[bytes]:
    yield make_zip({"inner.zip": make_zip({"people.csv": HEADER})})


def escaping_zip() -> Iterator[bytes]:
    yield make_zip({"../people.csv": HEADER})


def many_columns() -> Iterator[bytes]:
    """Yields a table with 100,000 columns."""
    names = ",".join(f"c{number}" for number in range(100_000))
    yield f"{names}\n1\n".encode()


def many_cells() -> Iterator[bytes]:
    """Yields a table with 100,000 cells in its second row."""
    yield HEADER
    yield b"cell," * 100_000
    yield b"\n"


def deep_json() -> Iterator[bytes]:
    """Yields 100,000 arrays, one inside another."""
    yield b"[" * 100_000
    yield b"]" * 100_000


JSON_START = b'[{"username": "first", "tags": ["x"'
FILES = [
    HostileFile(
        "6,000,000 rows in gzip",
        "rows.csv.gz",
        lambda: compress(account_lines(MANY_ROWS)),
    ),
    HostileFile(
        "CSV of 1,000 MB",
        "large.csv",
        lambda: repeat(HEADER, b"a" * 40 + b"," + b"b" * 46 + b"@example.org\n", 1000 * MEGABYTE),
    ),
    HostileFile(
        "CSV of 1,100 MB",
        "too-large.csv",
        lambda: repeat(HEADER, b"name,name@example.org\n", 1100 * MEGABYTE),
    ),
    HostileFile("first line of 500 MB", "line.csv", lambda: repeat(b"", b"x", 500 * MEGABYTE)),
    HostileFile("second line of 500 MB", "line.csv", lambda: repeat(HEADER, b"x", 500 * MEGABYTE)),
    HostileFile(
        "JSON with a record of 500 MB",
        "record.json",
        lambda: repeat(JSON_START, b',"xxxxxxxxxxxxx"', 500 * MEGABYTE, b"]}]"),
    ),
    HostileFile("JSON 100,000 arrays deep", "deep.json", deep_json),
    HostileFile("100,000 columns", "columns.csv", many_columns),
    HostileFile("a row of 100,000 cells", "cells.csv", many_cells),
    HostileFile(
        "gzip of 700 MB of equal rows",
        "bomb.csv.gz",
        lambda: compress(repeat(HEADER, b"name,name@example.org\n", 700 * MEGABYTE)),
    ),
    HostileFile(
        "zip of 700 MB of zeros",
        "bomb.zip",
        lambda: iter([zip_parts(repeat(HEADER, b"\0", 700 * MEGABYTE))]),
    ),
    HostileFile("zip with a wrong size", "lying.zip", lying_zip),
    HostileFile("zip in a zip", "nested.zip", nested_zip),
    HostileFile("zip with a path outside", "escaping.zip", escaping_zip),
    HostileFile("zip with a link", "linked.zip", linked_zip),
    HostileFile("zip with two files of one name", "doubled.zip", doubled_zip),
    HostileFile("workbook with 3,000,000 shared texts", "shared.xlsx", shared_texts),
    HostileFile("workbook with a shared text of 200 MB", "text.xlsx", large_shared_text),
    HostileFile("workbook with entities", "entities.xlsx", entity_bomb),
    HostileFile("sheet with cells in two corners", "sparse.xlsx", sparse_sheet),
    HostileFile("sheet of 1,048,575 empty rows", "empty.xlsx", empty_rows),
]
