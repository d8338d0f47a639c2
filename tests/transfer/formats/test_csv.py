"""The CSV reader, by what it yields."""

from io import BytesIO

import pytest

from users.transfer.formats import ImportRecord
from users.transfer.formats.csv import read_csv


def table(text: str, **options) -> list[list[str]]:
    source = read_csv(BytesIO(text.encode()), "people.csv", **options)
    return [source.columns, *([*record.values.values()] for record in source.records)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
        ("a,b\r\n1,2\r\n", [["a", "b"], ["1", "2"]]),
        ("a,b\r1,2\r", [["a", "b"], ["1", "2"]]),
        ("a;b\n1,5;2\n", [["a", "b"], ["1,5", "2"]]),
        ("a\tb\n1\t2", [["a", "b"], ["1", "2"]]),
        ('"a, first";b\n1;2\n', [["a, first", "b"], ["1", "2"]]),
        (' a , b\n1,"x\ny"\n', [["a", "b"], ["1", "x\ny"]]),
        ('"a\nlong",b\n1,"say ""hi"""\n', [["a\nlong", "b"], ["1", 'say "hi"']]),
        ("a,b\n\n1,2\n,\n", [["a", "b"], ["1", "2"]]),
    ],
)
def test_tables_are_read_as_they_were_meant(text, expected):
    assert table(text) == expected


def test_a_delimiter_can_be_named_and_lines_left_out():
    assert table("made by hand\na|b\n1|2\n", delimiter="|", skip_lines=1) == [
        ["a", "b"],
        ["1", "2"],
    ]


def test_lines_are_those_of_the_file_also_after_a_value_with_line_ends():
    source = read_csv(BytesIO(b'a,b\n1,"x\n\ny"\n\n2\n3,4\n'), "people.csv")
    assert [(record.line, record.misfit) for record in source.records] == [
        (2, ""),
        (6, "This row has 1 cell, but there are 2 columns."),
        (7, ""),
    ]


def test_rows_are_read_one_at_a_time():
    """A million rows are never in memory: the next one is read when it is asked for."""
    file = BytesIO(b"a\n" + b"x" * 99 + b"\n" + (b"y" * 99 + b"\n") * 100_000)
    source = read_csv(file, "people.csv")
    assert next(source.records) == ImportRecord(2, {"a": "x" * 99})
    assert file.tell() < 100_000


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("empty", [["a", "b", "c"], ["1", "", ""], ["2", "3", "4"]]),
        ("escaped_quotes", [["a", "b"], ["1", 'ha "ha" ha'], ["3", "4"]]),
        ("json", [["key", "val"], ["1", '{"type": "Point", "coordinates": [102.0, 0.5]}']]),
        (
            "newlines",
            [["a", "b", "c"], ["1", "2", "3"], ["Once upon \na time", "5", "6"], ["7", "8", "9"]],
        ),
        (
            "newlines_crlf",
            [["a", "b", "c"], ["1", "2", "3"], ["Once upon \r\na time", "5", "6"], ["7", "8", "9"]],
        ),
        ("quotes_and_newlines", [["a", "b"], ["1", 'ha \n"ha" \nha'], ["3", "4"]]),
        ("utf8", [["a", "b", "c"], ["1", "2", "3"], ["4", "5", "ʤ"]]),
    ],
)
def test_csv_spectrum(samples, name, expected):
    with (samples / f"csvspectrum_{name}.csv").open("rb") as file:
        text = file.read().decode()
    assert [[cell.replace("\r\n", "\n") for cell in row] for row in table(text)] == [
        [cell.replace("\r\n", "\n") for cell in row] for row in expected
    ]
