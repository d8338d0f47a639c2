"""Accounts that somebody may mean who mistyped."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import make_user
from tests.plans import plans
from users.doctor.typo_suggestions import candidate_names, single_edits, suggest_accounts

pytestmark = pytest.mark.django_db
ADDRESS = "ada.lovelace@example.com"


@pytest.mark.parametrize(
    "typed",
    [
        "ada.lovelace@exmaple.com",  # two letters in each other's place
        "ada.lovelace@example.con",  # one wrong
        "ada.lovelace@example.co",  # one too few
        "ada.lovellace@example.com",  # one too many
        "ada.lovelace@example.org",  # elsewhere
        "ada.lovelace@",
        "ada.lovelace+news@example.com",  # a tag
        "\u0430da.lovelace@example.com",  # a Cyrillic letter
        " ADA.Lovelaces@Example.com ",
        "ada-lovelace@example.com",
    ],
)
def test_the_account_that_is_meant_is_found(typed):
    ada = make_user(username="al1815", email=ADDRESS)
    make_user(username="somebody", email="somebody@example.com")
    assert suggest_accounts(typed) == [ada]


def test_dots_that_an_account_lacks_are_left_out():
    ada = make_user(email="adalovelace@example.com")
    assert suggest_accounts("ada.love.lace@example.com") == [ada]


@pytest.mark.parametrize("typed", ["lovelac", "lovelacee", "lvoelace", "lovelaca", "l\u043evelace"])
def test_usernames_are_mistyped_too(typed):
    ada = make_user(username="lovelace", email="x@example.com")
    assert suggest_accounts(typed) == [ada]


def test_the_likeliest_comes_first_and_there_are_not_too_many():
    for number in range(30):
        make_user(email=f"ada@company{number}.example")
    near = make_user(email="ada@gmail.example")
    found = suggest_accounts("ada@gmial.example")
    assert found[0] == near
    assert len(found) == 8


@pytest.mark.parametrize(
    "typed", ["", "  ", "nobody@nowhere.example", "a\x00b", "@", "@@", "%", "_"]
)
def test_nobody_is_found_for_what_resembles_nothing(typed):
    make_user(username="lovelace", email=ADDRESS)
    assert suggest_accounts(typed) == []


@given(st.text(alphabet="ab@.", max_size=6), st.text(alphabet="ab@.", max_size=6))
def test_each_slip_of_the_finger_is_among_the_edits(left, right):
    text = left + right
    made = set(single_edits(text, ""))
    assert {f"{left}{letter}{right}" for letter in "az09.-_@"} <= made
    assert all(abs(len(name) - len(text)) <= 1 for name in made)
    if right:
        assert {left + right[1:], f"{left}q{right[1:]}"} <= made
    if len(right) > 1:
        assert left + right[1] + right[0] + right[2:] in made


def test_the_longest_name_makes_no_more_than_some_thousand_candidates():
    assert len(candidate_names("x" * 64 + "@" + "y" * 189)) < 6000
    assert suggest_accounts("x" * 64 + "@" + "y" * 189) == []


@pytest.mark.parametrize("typed", ["person1@exmaple.com", "persn1"])
def test_it_takes_two_queries_along_indexes(typed):
    for _ in range(50):
        make_user()
    with CaptureQueriesContext(connection) as queries:
        suggest_accounts(typed)
    assert len(queries) == 2
    if connection.vendor == "postgresql":  # SQLite reads a table as small as this one
        assert not [plan for plan in plans(lambda: suggest_accounts(typed)) if "Seq Scan" in plan]
