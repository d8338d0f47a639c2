"""The made-up people, without a database."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from users import identifiers
from users.demo.copy_blocks import copy_blocks, copy_lines
from users.demo.people import ACCOUNT_COLUMNS, BLOCK_ROWS, DemoPlan, RowMaker
from users.demo.row_loading import default_columns
from users.email_addresses import normalise_email
from users.models import User
from users.phone_numbers import normalise_phone
from users.search_keys import derived_columns
from users.usernames import normalise_username

pytestmark = pytest.mark.sqlite  # of what is made up, and not of the database

UNTIL = datetime(2026, 3, 1, tzinfo=UTC)


def plan(accounts: int = 2 * BLOCK_ROWS, seed: int = 1, staff: int = 300) -> DemoPlan:
    return DemoPlan(accounts, seed, first_id=1, until=UNTIL, staff=staff)


def rows(made: DemoPlan) -> list[dict[str, str | None]]:
    maker = RowMaker(made)
    return [
        dict(zip(ACCOUNT_COLUMNS, row, strict=True))
        for start in made.blocks
        for row in maker.block(start)
    ]


@pytest.fixture(scope="module")
def people() -> list[dict[str, str | None]]:
    return rows(plan())


def share(people, condition) -> float:
    return sum(map(condition, people)) / len(people)


def test_the_same_plan_gives_the_same_rows(people):
    assert rows(plan()) == people
    assert rows(plan(seed=2))[0] != people[0]


def test_copy_gets_the_rows_that_statements_get(people):
    lines = b"".join(copy_blocks(plan())).decode().splitlines()
    unescaped = [
        [None if cell == r"\N" else cell.replace(r"\n", "\n") for cell in line.split("\t")]
        for line in lines
    ]
    assert unescaped == [list(row.values()) for row in people]


def test_rows_made_in_other_processes_are_the_same_and_in_order():
    many = plan(accounts=5 * BLOCK_ROWS)
    assert list(copy_blocks(many)) == [copy_lines(many, start) for start in many.blocks]


def test_every_column_of_an_account_is_given():
    made = replace(plan(accounts=1, staff=0), rest=default_columns())
    assert set(made.columns) == {field.column for field in User._meta.concrete_fields}
    assert len(made.columns) == len(next(RowMaker(made).block(0)))


def test_derived_columns_are_what_a_save_would_give(people):
    for row in people:
        names = ("username", "email", "first_name", "last_name", "phone")
        expected = derived_columns(*(row[name] for name in names))
        assert {name: row[name] for name in expected} == expected


def test_identifiers_are_in_normal_form(people):
    normal = {
        "username": normalise_username,
        "email": normalise_email,
        "first_name": identifiers.normalise_name,
        "last_name": identifiers.normalise_name,
        "phone": normalise_phone,
        "locale": identifiers.normalise_locale,
        "time_zone": identifiers.normalise_time_zone,
    }
    for row in people:
        assert {name: normalise(row[name]) for name, normalise in normal.items()} == {
            name: row[name] for name in normal
        }


def test_shares_are_as_promised(people):
    assert 0.48 < share(people, lambda row: row["email_domain"] == "gmail.example") < 0.53
    assert len({row["email_domain"] for row in people}) > 500
    statuses = Counter(row["status"] for row in people)
    assert 0.92 < statuses["active"] / len(people) < 0.94
    assert {status for status, number in statuses.items() if number > 200} == {
        "active",
        "invited",
        "suspended",
        "deleted",
    }
    assert 0.17 < share(people, lambda row: row["last_seen_at"] is None) < 0.23
    assert 0.82 < share(people, lambda row: row["email_verified_at"] is not None) < 0.88
    assert share(people, lambda row: row["is_staff"] == "1") == 300 / len(people)


def test_most_people_share_a_name_with_somebody_and_many_scripts_occur(people):
    surnames = Counter(row["last_name"] for row in people)
    assert len(surnames) > 300
    assert {"Smith", "García", "Müller", "Nguyễn"} <= {name for name, _ in surnames.most_common(60)}
    first_letters = {row["last_name"][0] for row in people}
    assert {"П", "王", "김", "Ș", "Ó"} & first_letters >= {"П", "王", "김"}
    assert any(not row["username"].isascii() and row["lookalike"] for row in people)


def test_times_are_in_order_and_spread_over_eight_years(people):
    for row in people:
        assert row["date_joined"] <= row["updated_at"] <= str(UNTIL)
        assert row["last_seen_at"] is None or row["date_joined"] <= row["last_seen_at"] <= str(
            UNTIL
        )
    joined = [row["date_joined"] for row in people]
    assert {time[:4] for time in joined} == {str(year) for year in range(2018, 2027)}
    assert 0.9 * len(people) < len(set(joined)) < len(people), "ties, but few"


def test_times_are_written_as_django_writes_them_on_sqlite(people):
    """Or a page that begins at a tie would not find it there: times are compared as text."""
    for row in people:
        for column in ("date_joined", "last_seen_at", "suspended_until", "valid_until"):
            assert row[column] is None or str(datetime.fromisoformat(row[column])) == row[column]
    assert any(row["date_joined"].endswith(" 00:00:00") for row in people)


def test_some_suspensions_and_validities_have_run_out_and_some_have_not(people):
    for column in ("suspended_until", "valid_until"):
        times = {row[column] > str(UNTIL) for row in people if row[column]}
        assert times == {True, False}, column


def test_nobody_real_can_be_written_to_except_at_the_one_domain_that_is_asked_for(people):
    domains = {row["email_domain"] for row in people} - {"", "gmail.example"}
    assert all(
        domain.endswith(".example") or domain in ("example.com", "example.net")
        for domain in domains
    )
