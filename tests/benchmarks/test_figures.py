"""The arithmetic of the report."""

import pytest

from benchmarks.cases import Case
from benchmarks.client import Answer, parse_head
from benchmarks.expected import Expected
from benchmarks.form_parser import form_with
from benchmarks.measure import Response, Result
from benchmarks.peers import PEERS
from benchmarks.report import case_report, markdown_table


def result(*milliseconds: float, status: int = 200) -> Result:
    made = Result(queries=4, bytes=2048)
    for each in milliseconds:
        made.note(Response(Answer(each / 1000, status, {}, b""), Expected()))
    return made


def cells(text: str, case: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {case} "))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_95th_percentile_of_thirty_is_the_second_slowest():
    thirty = result(*range(1, 31))
    assert (thirty.median, thirty.p95) == pytest.approx((0.0155, 0.029))


def test_an_answer_that_is_no_page_is_a_fault_and_has_no_time():
    assert result(1, status=200).faults == {}
    assert result(1, 1, status=500).faults == {"500": 2}
    assert result(1, 1, status=500).seconds == []


def test_the_report_shows_times_ratios_and_faults():
    admin = result(5, 5, 5)
    admin.note(Response(Answer(0.001, 500, {}, b""), Expected()))
    rows = [(Case("list", {}), {"rollcall": result(*[2] * 30), "admin": admin})]
    made = case_report({"accounts": 10}, {"page 1": 0.00025}, PEERS[:2], rows)
    assert cells(made.text, "list") == [
        "list",
        "2.00",
        "2.00",
        "–",
        "4",
        "2",
        "5.00 (3)",
        "5.00",
        "–",
        "4",
        "2",
        "× 2.50",
        "Django admin 1 × 500",
    ]
    assert "page 1 0.25 ms" in made.text
    shown = made.data["cases"][0]["peers"]["admin"]
    assert shown["statuses"] == {"200": 3, "500": 1}
    assert shown["faults"] == {"500": 1}


def test_a_peer_without_the_page_leaves_its_cells_empty():
    made = case_report({}, {}, PEERS[:2], [(Case("list", {}), {"rollcall": result(*[2] * 30)})])
    assert cells(made.text, "list") == ["list", "2.00", "2.00", "–", "4", "2", *["–"] * 6, ""]


def test_the_table_is_markdown():
    assert markdown_table(["case", "ms"], [["a", "1"]]).splitlines() == [
        "| case |  ms |",
        "| ---- | --: |",
        "| a    |   1 |",
    ]


def test_a_form_is_read_as_a_browser_would_send_it():
    page = """
        <form><input name="q" value="no"></form>
        <form method="post"><input name="first_name" value="A &amp; B">
        <input type="checkbox" name="on" value="1" checked>
        <input type="checkbox" name="off"><input type="submit" name="_save">
        <textarea name="why">
&lt;b&gt;</textarea><select name="status"><option value="a">
        <option value="b" selected></select></form>
    """
    fields = form_with("first_name", page)
    assert fields == [("first_name", "A & B"), ("on", "1"), ("why", "<b>"), ("status", "b")]
    with pytest.raises(LookupError):
        form_with("last_name", page)


def test_a_response_head_is_taken_apart():
    assert parse_head(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /a: b") == (
        302,
        {"content-length": "0", "location": "/a: b"},
    )
