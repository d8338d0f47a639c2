"""The report as a spreadsheet sees it."""

import csv
from io import StringIO

import pytest

from users.transfer.imports.outcomes import CREATED, REJECTED, RowOutcome
from users.transfer.imports.report import ImportReport


def written(outcome: RowOutcome, *, stored: bool = True) -> list[str]:
    file = StringIO()
    ImportReport(file).write(outcome, stored=stored)
    return list(csv.reader(StringIO(file.getvalue())))[1]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_reason_that_looks_like_a_formula_is_made_harmless(start):
    assert written(RowOutcome(2, REJECTED, reason=f"{start}1+1")) == [
        "2",
        "rejected",
        "",
        f"'{start}1+1",
    ]


def test_an_account_that_a_dry_run_took_back_has_no_id():
    outcome = RowOutcome(2, CREATED, account_id=7)
    assert (written(outcome)[2], written(outcome, stored=False)[2]) == ("7", "")
