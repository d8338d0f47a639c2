"""docs/security.md and docs/asvs.md name tests that exist."""

import re

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.sqlite  # of a page, and not of the database

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


# Of levels 1 and 2 of ASVS 5.0.0, by chapter.
ITEMS = [27, 11, 19, 10, 9, 35, 18, 7, 7, 29, 14, 9, 13, 9, 13, 16, 7]
ITEM = re.compile(r"\d+\.\d+\.\d+")


@pytest.mark.parametrize("page", ["security.md", "asvs.md"])
def test_each_test_that_the_page_names_exists(page):
    named = NAMED.findall((ROOT / "docs" / page).read_text())
    assert len(named) > 20
    missing = [f"{file}::{name}" for file, name in named if not has_test(file, name)]
    assert not missing


def test_each_item_of_the_standard_has_its_line():
    rows = re.findall(r"^\| (\d[\d., ]*) \|", (ROOT / "docs" / "asvs.md").read_text(), re.MULTILINE)
    items = [item for row in rows for item in ITEM.findall(row)]
    assert len(items) == len(set(items))
    chapters = [int(item.partition(".")[0]) for item in items]
    assert [chapters.count(number) for number in range(1, 18)] == ITEMS


def has_test(file: str, name: str) -> bool:
    path = ROOT / file
    return path.exists() and f"\ndef {name}(" in path.read_text()
