"""Which lines a pasted text or a file has, and which column of a table."""

import pytest
from django.core.exceptions import ValidationError

from users.directory.lists import typed_lines
from users.directory.lists.models import LineKind
from users.directory.lists.typed_lines import read_lines

pytestmark = pytest.mark.sqlite  # without any database


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\r\n\n  b \rc", [(1, "a"), (3, "b"), (4, "c")]),
        ('\ufeff"Berg, Ann"\n"b"', [(1, "Berg, Ann"), (2, "b")]),
        ("Username\nann", [(2, "ann")]),
        (
            "Ann <ann@x.de>; bob@x.de, c@x.de",
            [(1, "Ann <ann@x.de>"), (1, "bob@x.de"), (1, "c@x.de")],
        ),
        ("a\x00b\u2028c\u200b", [(1, "a\ufffdbc")]),
        ("x" * 600, [(1, "x" * 499 + "…")]),
    ],
)
def test_plain_lines_are_trimmed_and_numbered(text, lines):
    assert read_lines(text).lines == lines


@pytest.mark.parametrize(
    ("text", "column", "kind", "lines"),
    [
        (
            "Name;E-Mail\nAnn;a@x.de\n\nBob;\nCy;c@x.de",
            "E-Mail",
            "any",
            [(2, "a@x.de"), (5, "c@x.de")],
        ),
        (
            "Phone,formula_mark\n'+4915,'\n'+4916,\n'+4917",
            "Phone",
            "phone",
            [(2, "+4915"), (3, "'+4916"), (4, "'+4917")],
        ),
        ('note|login\n"two\nlines"|ann\n', "login", "username", [(3, "ann")]),
        ("id\tName\n1\tAnn", "id", "any", [(2, "1")]),
    ],
)
def test_a_table_has_the_column_with_the_first_known_heading(text, column, kind, lines):
    read = read_lines(text)
    assert (read.column, read.kind, read.lines) == (column, LineKind(kind), lines)


def test_a_typed_column_is_a_heading_or_a_number():
    table = "Staff no,Mail\n7,a@x.de"
    assert read_lines(table, "staff NO").lines == [(2, "7")]
    assert read_lines(table, "1").lines == [(2, "7")]
    assert read_lines("7,a@x.de\n8,b@x.de", "2").lines == [(1, "a@x.de"), (2, "b@x.de")]


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        (" \n", "", "There are no lines."),
        ("1\n2\n3\n4", "", "There are 4 lines. Use at most 3 in one list."),
        ("a\tb\n1\t2", "", "The text has 2 columns, and none has a known heading"),
        ("a,email\n1,x@x.de", "3", "There is no such column. The columns are: a, email."),
        ("email," + "x" * 140_000, "", "The first line is not valid CSV: field larger than"),
        ("a,email\n1," + "x" * 140_000, "", "Line 2 is not valid CSV: field larger than"),
    ],
)
def test_what_is_no_list_is_refused(text, column, message, monkeypatch):
    monkeypatch.setattr(typed_lines, "LINES_MAX", 3)
    with pytest.raises(ValidationError) as caught:
        read_lines(text, column)
    assert message in " ".join(caught.value.messages)
