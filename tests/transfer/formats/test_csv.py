"""The CSV reader, by what it yields."""

from io import BytesIO

import pytest

from users.transfer.formats import ImportRecord
from users.transfer.formats.csv import read_csv
from users.transfer.formats.options import ReadOptions


def table(text: str, **options) -> list[list[str]]:
    source = read_csv(BytesIO(text.encode()), "people.csv", ReadOptions(**options))
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
        ("\n  \r\n,,\na,b\n \n1,2\n , \n", [["a", "b"], ["1", "2"]]),
        ("a,b\n1,2\n\x1a", [["a", "b"], ["1", "2"]]),
        ("a,b\n1,2\r\n\x1a\r\n", [["a", "b"], ["1", "2"]]),
        ("a,b\n1,2\x1a", [["a", "b"], ["1", "2"]]),
        ('a,b\n1,"x\x1a\n\x1ay"\n', [["a", "b"], ["1", "x\x1a\n\x1ay"]]),
        ("sep=;\na;b\n1,5;2\n", [["a", "b"], ["1,5", "2"]]),
        ("\ufeff\nSEP=|\r\n\r\na|b\r\n1|2\r\n", [["a", "b"], ["1", "2"]]),
        ('"sep=,"\na,b;c;d\n1,2\n', [["a", "b;c;d"], ["1", "2"]]),
        ("sep=\t\na\tb,c,d\n1\t2\n", [["a", "b,c,d"], ["1", "2"]]),
        ("sep=x\n1\n", [["sep=x"], ["1"]]),
        ("a,b,\n1,2,\n3,4\n", [["a", "b"], ["1", "2"], ["3", "4"]]),
        ("a,b,, \n1,2,,\n", [["a", "b"], ["1", "2"]]),
        ("a,b\n1,2,,\n3,4, \n", [["a", "b"], ["1", "2"], ["3", "4"]]),
    ],
)
def test_tables_are_read_as_they_were_meant(text, expected):
    assert table(text) == expected


def test_a_delimiter_can_be_named_and_lines_left_out():
    assert table("made by hand\na|b\n1|2\n", delimiter="|", skip_lines=1) == [
        ["a", "b"],
        ["1", "2"],
    ]


def test_a_delimiter_that_is_named_counts_more_than_the_one_in_the_file():
    assert table("sep=;\na|b\n1|2\n", delimiter="|") == [["a", "b"], ["1", "2"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(encoding):
    content = "\ufeffa,b\n1,2\n".encode(encoding)
    source = read_csv(BytesIO(content), "people.csv", ReadOptions(encoding=encoding))
    assert source.columns == ["a", "b"]


def misfits(text: str, **options) -> list[tuple[int, str]]:
    source = read_csv(BytesIO(text.encode()), "people.csv", ReadOptions(**options))
    return [(record.line, record.misfit) for record in source.records]


def test_a_value_in_a_column_without_a_name_is_a_misfit():
    cells = "This row has 3 cells, but there are 2 columns."
    assert misfits("a,b,\n1,2,3\n4,5,\n") == [(2, cells), (3, "")]


def test_cells_that_are_left_out_at_the_end_are_empty_if_that_is_asked_for():
    text = "a,b,c\n1,2\n3\n4,5,6,7\n"
    advice = "If the missing cells are the last ones, use --short-rows."
    assert misfits(text) == [
        (2, f"This row has 2 cells, but there are 3 columns. {advice}"),
        (3, f"This row has 1 cell, but there are 3 columns. {advice}"),
        (4, "This row has 4 cells, but there are 3 columns."),
    ]
    assert misfits(text, short_rows=True) == [
        (2, ""),
        (3, ""),
        (4, "This row has 4 cells, but there are 3 columns."),
    ]
    assert table("a,b,c\n1,2\n3\n", short_rows=True)[1:] == [["1", "2", ""], ["3", "", ""]]


def test_a_file_without_names_gets_them():
    text = "1;a,b;;3\n\n4;5;x;6;\n"
    options = ReadOptions(columns=("id", " name ", "", "age"))
    source = read_csv(BytesIO(text.encode()), "people.csv", options)
    assert (source.line, source.columns) == (0, ["id", "name", "age"])
    assert list(source.records) == [
        ImportRecord(1, {"id": "1", "name": "a,b", "age": "3"}),
        ImportRecord(3, {"id": "4", "name": "5", "age": "6"}),
    ]


def test_lines_are_those_of_the_file_also_after_a_value_with_line_ends():
    source = read_csv(BytesIO(b'a,b\n1,"x\n\ny"\n\n2\n3,4\n'), "people.csv", ReadOptions())
    assert [(record.line, record.misfit) for record in source.records] == [
        (2, ""),
        (
            6,
            "This row has 1 cell, but there are 2 columns. "
            "If the missing cells are the last ones, use --short-rows.",
        ),
        (7, ""),
    ]


def test_rows_are_read_one_at_a_time():
    """A million rows are never in memory: the next one is read when it is asked for."""
    file = BytesIO(b"a\n" + b"x" * 99 + b"\n" + (b"y" * 99 + b"\n") * 100_000)
    source = read_csv(file, "people.csv", ReadOptions())
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
