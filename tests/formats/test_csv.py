"""The CSV reader, by what it yields."""

from io import BytesIO

import pytest

from users.formats import ImportRecord, UnreadableFile
from users.formats.csv import read_csv
from users.formats.options import ReadOptions


def table(text: str, **options) -> list[list[str]]:
    source = read_csv(BytesIO(text.encode()), "people.csv", ReadOptions(**options))
    fitting = (record for record in source.records if not record.misfit)
    return [source.columns, *([*record.values.values()] for record in fitting)]


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
        ("a|b\n1|2,5\n", [["a", "b"], ["1", "2,5"]]),
        ("a;b\nDoe, J;1\nRoe, K;2\n", [["a", "b"], ["Doe, J", "1"], ["Roe, K", "2"]]),
        ("a\u2028b,c\r1,2\n3,4\r\n", [["a\u2028b", "c"], ["1", "2"], ["3", "4"]]),
        ("# by hand, today, late\na,b\n1,2\n", [["a", "b"], ["1", "2"]]),
        ("# one\n# two\na\n#3\n", [["a"], ["#3"]]),
        ("#,b\n1,2\n", [["#", "b"], ["1", "2"]]),
        ("People of 2024\nas of: today\n\na;b\n1;2\n", [["a", "b"], ["1", "2"]]),
        ("version:v1.0,,\na,b,c\n1,2\n", [["a", "b", "c"]]),
        ("People,,\na,b,c\n1,2,3\n", [["a", "b", "c"], ["1", "2", "3"]]),
        ("first name\nAnn, B\nBob\n", [["first name"], ["Bob"]]),
        ("user\nann,Ann\nbob,Bob\n", [["user"]]),
        ("a,,b\n1,,2\n", [["a", "b"], ["1", "2"]]),
        ("\xa0\na,b\n1,2\n", [["a", "b"], ["1", "2"]]),
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
    nameless = "This row has a value in column 2, which has no name."
    assert misfits("a,,b\n1,2,3\n4,,5\n") == [(2, nameless), (3, "")]


def test_cells_that_are_left_out_at_the_end_are_empty_if_that_is_asked_for():
    text = "a,b,c\n1,2\n3\n4,5,6,7\n"
    advice = "If the missing cells are the last ones, accept short rows."
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
            "If the missing cells are the last ones, accept short rows.",
        ),
        (7, ""),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"x,m\xfcller", "b: “m\\xFCller”: The byte 0xFC can’t be read as utf-8. If the whole f"),
        (b"x,a\x00b\x1b", "b: “a\\x00b\\x1B”: This contains a NUL character."),
        (b"\xed\xa0\x80,", "a: “\\xED\\xA0\\x80”: The byte 0xED can’t be read as utf-8."),
    ],
)
def test_a_damaged_row_is_named_and_the_others_are_read(row, reason):
    text = "a,b\nzoë,1\n".encode() + row + b"\nann,2\n"
    good, bad, last = read_csv(BytesIO(text), "people.csv", ReadOptions()).records
    assert (bad.line, good.values["a"], last.values["a"]) == (3, "zoë", "ann")
    assert bad.misfit.startswith(reason)
    assert "\0" not in "".join(bad.values.values()).encode().decode(), "can be stored and shown"


def test_half_a_character_in_utf_16_is_named():
    text = "\ufeffa,b\nx,\ud83d\nzoë,2\n".encode("utf-16-le", "surrogatepass")
    bad, good = read_csv(BytesIO(text), "people.csv", ReadOptions()).records
    assert bad.misfit == "b: “\\uD83D”: This contains an incomplete character (U+D83D)."
    assert good.values == {"a": "zoë", "b": "2"}


@pytest.mark.parametrize("start", ["Zoë,1\n" * 2, "ann,1\n" * 20_000 + "Zoë,1\n" * 30])
def test_a_file_in_another_encoding_is_refused(start):
    text = ("a,b\n" + start + "ann,1\n").encode("cp1252")
    with pytest.raises(UnreadableFile) as caught:
        list(read_csv(BytesIO(text), "people.csv", ReadOptions()).records)
    assert "The byte 0xEB can’t be read as utf-8." in caught.value.reason
    assert str(caught.value).endswith("(--encoding cp1252)")
    count = text.count(b"\n") - 1
    options = ReadOptions(encoding="cp1252")
    assert len(list(read_csv(BytesIO(text), "people.csv", options).records)) == count


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_utf_16_and_byte_order_marks_are_recognised(encoding):
    content = "Имя;город\nЗоя;Рим\n".encode(encoding)
    source = read_csv(BytesIO(content), "people.csv", ReadOptions())
    assert [record.values for record in source.records] == [{"Имя": "Зоя", "город": "Рим"}]


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
