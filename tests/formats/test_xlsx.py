"""The reader of Excel workbooks, by what it yields."""

from datetime import date, datetime, time
from io import BytesIO

import openpyxl
import pytest
from django.db import OperationalError

from tests.formats.workbooks import make_workbook, text_row
from users.formats import ImportRecord, UnreadableFile
from users.formats.options import ReadOptions
from users.formats.registry import OpenFile, open_source

pytestmark = pytest.mark.sqlite


def opened(content: bytes, **options) -> OpenFile:
    return open_source(BytesIO(content), "people.xlsx", ReadOptions(**options))


def records(content: bytes, **options) -> list[ImportRecord]:
    return list(opened(content, **options).source.records)


def saved(rows: list[list]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    content = BytesIO()
    book.save(content)
    return content.getvalue()


def test_cells_are_read_as_people_see_them():
    content = saved(
        [
            ["text", "number", "decimal", "flag", "day", "moment", "time"],
            [" Zoë\nO’Brien ", 4915123456, 1.5, True, date(2024, 2, 29), None, time(9, 30)],
            ["", 7.0, 1e-7, False, None, datetime(2024, 2, 29, 9, 30, 15)],
            [None, None],
            ["last"],
        ]
    )
    assert opened(content).format.name == "xlsx"
    first, second, last = records(content)
    assert list(first.values.values()) == [
        " Zoë\nO’Brien ",
        "4915123456",
        "1.5",
        "yes",
        "2024-02-29",
        "",
        "09:30:00",
    ]
    assert list(second.values.values()) == [
        "",
        "7",
        "1e-07",
        "no",
        "",
        "2024-02-29T09:30:15",
        "",
    ]
    assert (last.line, last.values["text"], last.misfit) == (5, "last", "")


def test_shared_and_formatted_texts_are_whole_and_escapes_are_undone():
    strings = (
        "<si><t>name</t></si><si><r><t>An</t></r><r><t xml:space='preserve'>n </t></r></si>"
        "<si><t>東京</t><rPh><t>トウキョウ</t></rPh></si><si><t>a_x000D_b_x005F_x000D_</t></si>"
    )
    cells = "".join(f'<row><c t="s"><v>{number}</v></c></row>' for number in range(4))
    found = records(make_workbook({"People": cells}, strings=strings))
    assert [record.values["name"] for record in found] == ["Ann ", "東京", "a\rb_x000D_"]


def test_only_visible_sheets_with_the_same_columns_are_read_unless_one_is_chosen():
    content = make_workbook(
        {
            "Old": text_row("name") + text_row("hidden"),
            "A": text_row("name") + text_row("ann"),
            "Help": text_row("How to use this file"),
            "B": text_row("name") + text_row("bob"),
        },
        hidden="Old",
    )
    assert [(record.line, record.values["name"]) for record in records(content)] == [
        (2, "ann"),
        (4, "bob"),
    ]
    assert [record.values["name"] for record in records(content, sheet="Old")] == ["hidden"]
    with pytest.raises(UnreadableFile, match=r"There is no sheet “C”. The sheets are: A, Help, B."):
        opened(content, sheet="C")


def test_a_title_above_the_names_is_skipped_and_rows_have_their_numbers():
    rows = text_row("People of 2024") + "<row r='7'/>" + text_row("name", "mail")
    rows += '<row r="20">' + text_row("ann", "a@example.com").removeprefix("<row>")
    source = opened(make_workbook({"A": rows})).source
    assert (source.line, source.columns) == (8, ["name", "mail"])
    assert [record.line for record in source.records] == [20]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("<c r='B2'><f>A1&amp;A2</f></c>", "Cell B2 has a formula without a result."),
        ("<c r='B2' t='e'><v>#N/A</v></c>", "Cell B2 has the error “#N/A”."),
        ("<c r='B2'><v>1.2345678901234501E+17</v></c>", "Cell B2 has the number “1.2345678901"),
        ("<c r='B2'><v>1234567890123450</v></c>", "which the spreadsheet has rounded to 15 digits"),
        ("<c r='B2' s='1'><v>-1E9</v></c>", "Cell B2 has the number “-1E9”, which is not a date."),
        ("<c r='B2' t='str'><v>x_x0000_y</v></c>", "mail: “x\\x00y”: This contains a NUL char"),
        (
            "<c r='B2' t='str'><v>x_xD83D_y</v></c>",
            "mail: “x\\uD83Dy”: This contains an incomplete char",
        ),
        ("<c r='XFD2'><v>1</v></c>", "This row has a value in column XFD, beyond the limit"),
        ("<c r='C2'><v>1</v></c>", "This row has 3 cells, but there are 2 columns."),
    ],
)
def test_a_cell_that_cannot_be_used_is_named_and_other_rows_are_read(cell, reason):
    rows = text_row("name", "mail") + f"<row r='2'><c t='str'><v>ann</v></c>{cell}</row>"
    bad, good = records(make_workbook({"A": rows + text_row("bob", "")}))
    assert (bad.line, bad.values["name"]) == (2, "ann")
    assert bad.misfit.startswith(reason) or reason in bad.misfit
    assert good == ImportRecord(3, {"name": "bob", "mail": ""})


def test_a_formula_with_a_result_has_that():
    rows = text_row("name") + "<row><c t='str'><f>A1</f><v>Ann</v></c></row>"
    assert records(make_workbook({"A": rows}))[0].values == {"name": "Ann"}


def test_a_failure_of_the_database_that_has_the_file_is_not_one_of_the_file(monkeypatch):
    def fail(*_: object) -> None:
        raise OperationalError("server closed the connection")

    content = saved([["name"], ["Ada"]])
    monkeypatch.setattr("users.formats.excel.workbook.read_sheet", fail)
    with pytest.raises(OperationalError):
        records(content)
    monkeypatch.setattr("users.formats.xlsx.Workbook", fail)
    with pytest.raises(OperationalError):
        opened(content)
