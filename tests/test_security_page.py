"""docs/security.md names tests that exist."""

import re

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.sqlite  # of a page, and not of the database

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_each_test_that_the_security_page_names_exists():
    named = NAMED.findall((ROOT / "docs" / "security.md").read_text())
    assert len(named) > 20
    missing = [f"{file}::{name}" for file, name in named if not has_test(file, name)]
    assert not missing


def has_test(file: str, name: str) -> bool:
    path = ROOT / file
    return path.exists() and f"\ndef {name}(" in path.read_text()
