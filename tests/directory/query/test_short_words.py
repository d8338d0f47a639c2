"""Searches for one or two characters, which are looked up as the beginning of names."""

import pytest
from django.http import QueryDict

from tests.builders import make_user
from users.directory.filter import Filter
from users.directory.query import find, limits

pytestmark = pytest.mark.django_db


@pytest.fixture
def smiths(monkeypatch):
    """Makes 30 accounts whose names begin with "sm"; a page reads fewer of them."""
    for number in range(30):
        make_user(username=f"person{number}", first_name=f"Smith{number:02}", email="")
    monkeypatch.setattr(limits, "SCAN_LIMIT", 2)
    monkeypatch.setattr(limits, "COLLECT_LIMIT", 20)
    monkeypatch.setattr(limits, "SAMPLE_LIMIT", 12)


def search(query: str) -> Filter:
    return Filter.parse(QueryDict(query))


def test_few_matches_of_a_short_word_are_complete(smiths, monkeypatch):
    monkeypatch.setattr(limits, "COLLECT_LIMIT", 30)
    found = find(search("q=sm&sort=name"))
    names = [account.first_name for account in found.page.accounts]
    assert names == [f"Smith{number:02}" for number in range(30)]
    assert not found.capped


def test_many_matches_of_a_short_word_are_a_small_sample_in_order(smiths):
    found = find(search("q=sm&sort=name"))
    names = [account.first_name for account in found.page.accounts]
    assert found.capped
    assert 12 <= len(names) <= 14
    assert names == sorted(names)


@pytest.mark.parametrize("beside", ["+person", "+pe", "&verified=no"])
def test_a_short_word_with_another_condition_reads_as_many_as_it_can(smiths, beside):
    found = find(search(f"q=sm{beside}&sort=name"))
    assert found.capped is (beside != "+person")
    assert len(found.page.accounts) > 14
