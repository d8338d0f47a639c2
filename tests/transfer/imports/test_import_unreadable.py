"""manage.py import_accounts: files that are no CSV, or not to their end."""

import pytest

from tests.transfer.imports.importer import import_file
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "people.csv: The file is empty."),
        (b"\n,,\n\x1a", "people.csv: The file has only blank lines."),
        (b'"\xc2\xa0",""\n', "people.csv, line 1: The column names are missing."),
        (b"%PDF-1.7\n", "people.csv: This is a PDF."),
        (b"user\x00name\nann\n", "people.csv, line 1: Column 1: “user\\x00name”: This contains a"),
        (b"pr\xe9nom\n", "people.csv, line 1: Column 1: “pr\\xE9nom”: The byte 0xE9 can’t be read"),
        (
            b"username,username\nann,bob\n",
            "people.csv, line 1: Columns 1 and 2 have the same name, “username”.",
        ),
        (b"<!DOCTYPE html>\n<html>", "people.csv, line 1: This is HTML (a web page), not CSV."),
        (b"# made by hand\n", "people.csv, line 1: This is a comment instead of the column names."),
        (
            b'"username\nann\n',
            (
                "people.csv, line 1: A quotation mark opened in the row that starts here is "
                "not closed."
            ),
        ),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_line_and_reason(importing, content, error):
    result = importing(content)
    assert (result.code, result.output) == (1, "")
    assert result.errors.startswith(error)


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (
            b'"never closed\ndee\n',
            (
                "people.csv, line 3: A quotation mark opened in the row that starts here is "
                "not closed."
            ),
        ),
        (
            b'"bob" Lee\n',
            "people.csv, line 3: There is text after a closing quotation mark.",
        ),
        (b"x" * 1_000_001, "people.csv, line 3: This line is longer than 1,000,000 characters"),
        (
            b'"' + b"x\n" * 70_000,
            (
                "people.csv, line 3: A quotation mark opened in the row that starts here is "
                "not closed."
            ),
        ),
    ],
)
def test_what_stands_above_a_broken_line_is_done_and_counted(importing, row, error):
    result = importing(b"username\nann\n" + row + b"cy\n")
    assert (result.code, result.counts) == (1, (1, 0, 0, 0))
    assert result.errors.startswith(error)
    assert "The rows before it are imported." in result.errors
    assert User.objects.get().username == "ann"
    assert importing("username\nann\nbob\ncy\n").counts == (2, 0, 1, 0), "mended, it goes in"


def test_a_dry_run_of_a_broken_file_stores_nothing(importing):
    result = importing(b'username\nann\n"b\n', "--dry-run")
    assert (result.code, result.counts, User.objects.count()) == (1, (1, 0, 0, 0), 0)
    assert "are done" not in result.errors


@pytest.mark.parametrize("name", [b"m\xfcller", b"a\x00b"])
def test_a_damaged_row_is_rejected_and_the_others_are_imported(importing, name):
    result = importing(b"username\nann\n" + name + b"\ncy\n")
    assert (result.code, result.counts) == (1, (2, 0, 0, 1))
    assert result.errors.startswith("people.csv, line 3: username: “")
    assert set(User.objects.values_list("username", flat=True)) == {"ann", "cy"}


def test_a_table_without_rows_is_fine(importing):
    result = importing("username\n")
    assert (result.code, result.last) == (
        0,
        "0 read = 0 created + 0 updated + 0 unchanged + 0 rejected",
    )


def test_a_file_that_is_not_there_is_named():
    assert (
        import_file("/nowhere/people.csv").errors
        == "/nowhere/people.csv: No such file or directory."
    )


def test_a_folder_is_no_file(tmp_path):
    assert import_file(tmp_path).errors == f"{tmp_path}: Is a directory."


def test_other_encodings_are_read_when_they_are_named(importing):
    assert importing(
        "username,first_name\nann,Zoë\n".encode("cp1252"), "--encoding=cp1252"
    ).counts == (1, 0, 0, 0)
    assert importing(
        "username,first_name\nbob,Zoë\n".encode("utf-16"), "--encoding=utf-16"
    ).counts == (1, 0, 0, 0)
    assert set(User.objects.values_list("first_name", flat=True)) == {"Zoë"}


@pytest.mark.parametrize("content", ["[mail],{name}\n", "<mail>,<name>\n"])
def test_column_names_in_brackets_are_no_other_format(importing, content):
    assert "not CSV" not in importing(content + "a@example.com,Ann\n").errors


def test_names_for_a_file_without_them_may_not_come_twice(importing):
    result = importing("ann,Ann\n", "--columns=username,username")
    assert result.errors == "people.csv: Columns 1 and 2 have the same name, “username”."


def test_a_byte_order_mark_is_no_part_of_the_first_name(importing):
    assert importing("\ufeffusername\nann\n").counts == (1, 0, 0, 0)
