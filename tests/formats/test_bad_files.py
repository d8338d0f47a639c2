"""Files that are damaged, in other formats, or made to do harm. Each gets a reason."""

import gzip
import tracemalloc
from io import BytesIO
from zipfile import ZipFile, ZipInfo

import pytest

from tests.formats.workbooks import NAMESPACE, make_workbook, make_zip, text_row
from users.formats import UnreadableFile
from users.formats.archives import zip_checks
from users.formats.file_start import json_key_paths
from users.formats.google_workspace import plain_column
from users.formats.json_stream import JsonStream
from users.formats.options import ReadOptions
from users.formats.registry import open_source

pytestmark = pytest.mark.sqlite

MEGABYTE = 1024 * 1024
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 22 + b"\x09\0" + b"\0" * 16


def refusal(content: bytes, name: str = "people.csv", **options) -> UnreadableFile:
    """Returns the exception that a file causes, when it is opened or while it is read."""
    with pytest.raises(UnreadableFile) as caught:
        list(open_source(BytesIO(content), name, ReadOptions(**options)).source.records)
    assert str(caught.value).startswith(f"{name}")
    return caught.value


def ole_file(stream: str) -> bytes:
    """Returns an OLE file of which the directory, in sector 200, has one name."""
    header = (OLE + b"\xc8\0\0\0").ljust(512, b"\0")
    return header + b"\0" * 512 * 200 + stream.encode("utf-16-le").ljust(512, b"\0")


def linked_zip() -> bytes:
    content = BytesIO()
    entry = ZipInfo("people.csv")
    entry.external_attr = 0o120777 << 16
    with ZipFile(content, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    return content.getvalue()


def doubled_zip() -> bytes:
    return make_zip({"people.csv": "a\n1\n", "peoplf.csv": "a\n1\n"}).replace(b"peoplf", b"people")


def protected_zip() -> bytes:
    content = bytearray(make_zip({"people.csv": "name\nann\n"}))
    # The flag "encrypted" of the member, where it stands and in the list.
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"%PDF-1.7\n", "This is a PDF."),
        (b"7z\xbc\xaf\x27\x1c", "This is a 7-Zip archive."),
        (b"Rar!\x1a\x07\x00", "This is a RAR archive."),
        (b"x" * 257 + b"ustar\x0000", "This is a tar archive."),
        (b"<!DOCTYPE html>\n<html>", "This is HTML (a web page), not CSV. Open it in a spre"),
        (b"<?xml version='1.0'?>\n<Workbook>", "This is XML, not CSV. Open it in a spreadsheet"),
        (b"\xef\xbb\xbf\n%PDF-1.7\n", "This is a PDF. Export the table as .xlsx"),
        (
            b"\x09\x08\x10\x00\x00\x06\x05\x00",
            "This is an old Excel workbook (.xls). Save it as .xlsx",
        ),
        (
            b"name\nM+APw-ller\nJos+AOk-\n",
            "This is UTF-7, which is not supported. Save it as .xlsx",
        ),
        (make_zip({"mimetype": "x", "content.xml": ""}), "This is an OpenDocument spreadsheet (.o"),
        (b"\n<table border=1><tr>", "This is HTML (a web page), not CSV."),
        (ole_file("Workbook"), "This is an old Excel workbook (.xls). Save it as .xlsx or"),
        (ole_file("EncryptedPackage"), "This workbook is protected by a password."),
        ("username\nann\n".encode("utf-32"), "This is UTF-32,"),
        ("username\nann\n".encode("utf-32-be"), "This is UTF-32,"),
        (b"+/v8-username\nann\n", "This is UTF-7,"),
        (b"email\nann+AEA-example.com\nbob+AEA-example.com\n", "This is UTF-7,"),
        (b"MZ\x90\x00\x03\x00\x00\n", "Column 1: “MZ\\x90\\x00\\x03"),
        (protected_zip(), "This archive is protected by a password."),
        (linked_zip(), "This archive has a symbolic link, “people.csv”."),
        (doubled_zip(), "This archive has two files named “people.csv”."),
        (make_zip({"../people.csv": "a\n1\n"}), "This archive has a path outside itself, “../peo"),
        (make_zip({"/people.csv": "a\n1\n"}), "This archive has a path outside itself, “/people"),
        (make_zip({}), "This archive is empty."),
        (make_zip({"a.csv": "a\n", "b.csv": "a\n"}), "This archive contains several files."),
        (make_zip({"a.zip": make_zip({"b": "a"})}), "This archive contains another archive or a w"),
        (gzip.compress(gzip.compress(b"a\n1\n")), "This archive contains another archive or a w"),
        (
            make_zip({"mimetype": "x", "META-INF/manifest.xml": ""}),
            "This is an OpenDocument spreadsheet (",
        ),
        (make_zip({"xl/workbook.bin": ""}), "This is a binary workbook (.xlsb)."),
        (make_zip({"a.csv": "name\nann\n"})[:40], "This archive is damaged or incomplete."),
        (gzip.compress(b"name\nann\n" * 99)[:-12], "This archive is damaged or incomplete."),
        (gzip.compress(b"name\nann\n")[:3], "This archive is damaged or incomplete."),
    ],
)
def test_files_that_are_no_table_are_recognised(content, reason):
    assert refusal(content).reason.startswith(reason)


def shared_bomb() -> bytes:
    return make_workbook(
        {"A": text_row("name") + '<row><c t="s"><v>9</v></c></row>'},
        strings=f"<si><t>{'x' * 40_000}</t></si>",
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (shared_bomb(), "This workbook is damaged."),
        (make_workbook({"A": text_row("name") + "<row><c t='s'><v>0</v></c></row>"}), "This work"),
        (make_workbook({"A": text_row("name") + f"<!--{'x' * 2 * MEGABYTE}-->"}), "This workbook"),
        (make_workbook({"A": text_row("name") + "<row><c r='AAAA1'/></row>"}), "This workbook is"),
        (make_workbook({"A": text_row("name") + "</row>"}), "This workbook is damaged."),
        (make_workbook({}), "This workbook has no visible sheet."),
        (make_workbook({"A": ""}), "The column names are missing."),
        (make_zip({"[Content_Types].xml": "<Types/>"}), "This workbook is damaged."),
        (make_zip({"[Content_Types].xml": "<Types>"}), "This workbook is damaged."),
    ],
)
def test_workbooks_that_are_damaged_or_made_to_do_harm_are_refused(content, reason):
    assert refusal(content, "people.xlsx").reason.startswith(reason)


def test_entities_in_a_workbook_are_refused():
    sheet = f'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet {NAMESPACE}><sheetData/></worksheet>'
    content = make_workbook({"A": ""})
    with ZipFile(BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["xl/worksheets/sheet1.xml"] = sheet
    assert "XML entities" in refusal(make_zip(members), "people.xlsx").reason


@pytest.mark.parametrize("pack", [gzip.compress, lambda text: make_zip({"people.csv": text})])
def test_an_archive_that_grows_too_much_is_refused(monkeypatch, pack):
    monkeypatch.setattr(zip_checks, "RATIO_FREE", 1000)
    bomb = pack(b"name\n" + b"ann\n" * 100_000)
    assert refusal(bomb).reason == "This archive is too large when unpacked."


def test_a_member_that_is_larger_than_it_declares_is_refused():
    content = bytearray(make_zip({"people.csv": b"name\n" + b"ann\n" * 1000}))
    for place in (22, content.index(b"PK\x01\x02") + 24):
        content[place : place + 4] = (20).to_bytes(4, "little")
    assert refusal(bytes(content)).reason == "This archive is damaged or incomplete."


def test_an_archive_with_too_many_files_is_refused(monkeypatch):
    monkeypatch.setattr(zip_checks, "MEMBER_LIST_MAX", 100)
    content = make_zip({f"{number}.csv": "" for number in range(9)})
    assert refusal(content).reason == "This archive has too many files."


def test_columns_without_end_are_refused():
    names = ",".join(f"c{number}" for number in range(100_000)).encode()
    found = refusal(names + b"\n1\n")
    assert (found.line, found.reason) == (
        1,
        "There are 100,000 columns. A file may have at most 1,000.",
    )


@pytest.mark.parametrize(
    ("start", "rest"),
    [
        (b"", b"x"),
        (b"name\n", b"x"),
        (b'name\n"', b"x"),
        (b"name\n", b"a,"),
        (b"name\n", b'"\n",'),
        (b"", b","),
        (b"[", b"["),
        (b'[{"a": "', b"x"),
        (b'{"a": "', b"x"),
    ],
)
def test_a_line_without_end_is_refused_in_little_memory(start, rest):
    file = EndlessFile(start, rest)
    tracemalloc.start()
    with pytest.raises(UnreadableFile):
        list(open_source(file, "people.csv", ReadOptions()).source.records)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * MEGABYTE


class EndlessFile(BytesIO):
    """A file of 500 MB that repeats a text after its start. It takes no memory."""

    def __init__(self, start: bytes, rest: bytes):
        super().__init__(start)
        self.rest = rest
        self.size = 500 * MEGABYTE

    def read(self, size: int = -1) -> bytes:
        content = super().read(size)
        if not content:
            number = min(size, self.size) // len(self.rest)
            content = self.rest * number
            self.size -= len(content)
        return content

    read1 = read


def test_a_sheet_with_its_only_cells_in_the_corners_is_read_at_once():
    rows = "<row r='1'><c r='A1' t='str'><v>name</v></c></row>"
    rows += "<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>"
    content = make_workbook({"A": rows})
    (record,) = open_source(BytesIO(content), "people.xlsx", ReadOptions()).source.records
    assert record.line == 1048576
    assert "column XFD, beyond the limit of 1,000 columns" in record.misfit


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        (r"\ud83d\ude42 \u00e9 \\ud83d", r"\ud83d\ude42 \u00e9 \\ud83d"),
        (r"a\ud83db", r"a\uffffb"),
        (r"\ude42", r"\uffff"),
        (r"\\\ud83d\u0041", r"\\\uffff\u0041"),
        (r"\ud83d\ud83d\ude42", r"\uffff\ud83d\ude42"),
    ],
)
def test_halves_of_characters_are_marked_wherever_the_stream_is_cut(text, marked):
    for size in range(1, 15):
        stream = JsonStream(BytesIO(text.encode()))
        assert b"".join(iter(lambda: stream.read(size), b"")) == marked.encode()  # noqa: B023


def test_a_line_of_brackets_is_a_name_of_a_column():
    # A regular expression would take hours.
    assert plain_column("[" * 2_000_000) == "[" * 2_000_000
    assert plain_column("Status [READ ONLY]") == "Status"


def test_keys_are_found_in_json_that_is_cut_off_deep_or_damaged():
    keys = b'{"realm": "x", "users": [{"id": 1, "n": ' + b"9" * 6000
    assert set(json_key_paths(keys)) == {"realm", "users", "users.item.id", "users.item.n"}
    assert set(json_key_paths(b'{"a": "\\ud83d", "b": \xff}')) <= {"a", "b"}
    assert set(json_key_paths(b'{"a": ' + b"[" * 60_000)) == {"a"}
