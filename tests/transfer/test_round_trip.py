"""An export that is imported again: nothing is changed by it, and nothing is lost."""

import csv
import tempfile
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import transaction
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.builders import make_superuser
from tests.bulk.running import run
from tests.transfer.imports.importer import Result, import_file
from tests.web.test_csv_text import TEXTS
from users import identifiers
from users.formats.csv import BLANK_CHARACTERS, read_csv
from users.formats.options import ReadOptions
from users.jobs import worker
from users.models import User
from users.phone_numbers import normalise_phone
from users.transfer.exports import file_content, formatting
from users.transfer.exports.file_layout import csv_layout
from users.transfer.exports.formatting import CsvWriter
from users.web.csv_text import FORMULA_STARTS, LINE_WRITER, MARK_COLUMN, guard_row

ALL = list(formatting.EXPORT_COLUMNS)
IMPORTED = ("username", "email", "first_name", "last_name", "phone", "source", "source_id")
PHONES = ("+4915123456789", "+442079460958", "004915123456789", "(030) 12345678", "")


def normal(texts: st.SearchStrategy[str], normalise: Callable[[str], str]) -> st.SearchStrategy:
    """Texts in their stored form, empty in place of those that may not be stored."""

    def stored(text: str) -> str:
        try:
            return normalise(text)
        except ValidationError:
            return ""

    return texts.map(stored)


@st.composite
def accounts(draw) -> list[User]:
    """Accounts that are not saved. All have a username, and whatever else they may have."""
    return [draw_account(draw, number) for number in range(draw(st.integers(1, 4)))]


def draw_account(draw, number: int) -> User:
    start = st.text(alphabet=st.sampled_from("+-._ab"), max_size=3)
    mailbox = st.text(alphabet=st.sampled_from("'=+-ab"), min_size=1, max_size=3)
    system = draw(st.sampled_from(["", "hr", "=crm", "'hr", "'=x"]))
    source_id = draw(normal(TEXTS, identifiers.normalise_source_id))
    account = User(
        username=f"{draw(start)}person{number}",
        email=draw(st.sampled_from(["", f"{draw(mailbox)}{number}@example.com"])),
        first_name=draw(normal(TEXTS, identifiers.normalise_name)),
        last_name=draw(normal(TEXTS, identifiers.normalise_name)),
        phone=draw(normal(st.sampled_from(PHONES), normalise_phone)),
        source=system,
        source_id=source_id and system and f"{source_id}{number}",
        password=make_password(None),
    )
    account.derive()
    return account


def import_bytes(content: bytes, *words: str) -> Result:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(content)
        return import_file(file.name, *words)


def imported_values() -> list[tuple]:
    return sorted(User.objects.filter(is_superuser=False).values_list(*IMPORTED))


@pytest.mark.django_db
@settings(max_examples=30)
@given(accounts())
def test_an_export_of_accounts_that_are_there_changes_none_of_them(found):
    with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker.time, "sleep", lambda seconds: None)
        User.objects.bulk_create(found)
        before = list(User.objects.order_by("pk").values())
        root = make_superuser(username="exporter")
        job = run("export", found, by=root, parameters={"columns": ALL, "format": "csv"})
        content = b"".join(file_content.stream_file(job.export))
        result = import_bytes(content, "--update")
        assert (result.code, result.counts) == (0, (0, 0, len(found), 0)), result.errors
        after = User.objects.filter(is_superuser=False).order_by("pk")
        assert list(after.values()) == before
        transaction.set_rollback(True)


@pytest.mark.django_db
@settings(max_examples=30)
@given(accounts())
def test_an_export_of_accounts_that_are_gone_makes_them_again(found):
    with transaction.atomic():
        result = import_bytes(csv_file(found))
        assert (result.code, result.counts) == (0, (len(found), 0, 0, 0)), result.errors
        expected = [tuple(getattr(account, name) for name in IMPORTED) for account in found]
        assert imported_values() == sorted(expected)
        transaction.set_rollback(True)


def csv_file(found: list[User]) -> bytes:
    """Accounts as a CSV export has them, without a database."""
    writer = CsvWriter()
    rows = formatting.written_rows(found, ALL, writer.line)
    lines = [line.encode() for _, line in rows]
    layout = csv_layout(formatting.file_headings(ALL), {}, marked=writer.guarded)
    if layout.row_end:
        lines = [line[:-2] + layout.row_end for line in lines]
    return b"".join([layout.header, *lines])


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=4))
@example([["a\r\n\x1a", "\x1a"], ["sep=;", '"']])
def test_the_reader_yields_the_texts_that_an_export_wrote(rows):
    assume(all("".join(row).strip(BLANK_CHARACTERS) for row in rows))
    text = "".join(map(LINE_WRITER.writerow, [["a", "b", MARK_COLUMN], *map(guard_row, rows)]))
    assert cells_of(text) == rows
    for row in csv.reader(StringIO(text, newline="")):
        assert not any(cell.startswith(FORMULA_STARTS) for cell in row)


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=4))
def test_the_cells_of_other_files_are_read_as_they_are(rows):
    assume(all("".join(row).strip(BLANK_CHARACTERS) for row in rows))
    assert cells_of("".join(map(LINE_WRITER.writerow, [["a", "b"], *rows]))) == rows
    marked = [["a", "b", MARK_COLUMN], *([*row, ""] for row in rows)]
    assert cells_of("".join(map(LINE_WRITER.writerow, marked))) == rows


def cells_of(text: str) -> list[list[str]]:
    """The columns a and b of a file; without a mark, no other column is shown."""
    source = read_csv(BytesIO(f"\ufeff{text}".encode()), "accounts.csv", ReadOptions())
    assert source.columns == ["a", "b"]
    return [[record.values["a"], record.values["b"]] for record in source.records]
