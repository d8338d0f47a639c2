"""manage.py import_accounts: rows that are rejected, and what is said of them."""

import csv

import pytest

from tests.builders import make_user
from users.models import State, User

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("names", [("anna", "аnna"), ("аnna", "anna"), ("аnna", "annа")])
@pytest.mark.parametrize("stored", [True, False])
def test_a_username_that_looks_like_another_is_refused(importing, names, stored):
    first, second = names
    if stored:
        make_user(username=first)
    result = importing(f"username\n{first}\n{second}\n")
    assert result.counts == (0, 0, 1, 1) if stored else (1, 0, 0, 1)
    assert f"line 3: username: “{second}”: This is too similar to the username “" in result.errors


def test_a_name_that_an_earlier_row_gave_up_is_no_longer_looked_like(importing):
    make_user(username="аnna", email="a@example.com")
    result = importing("email,username\na@example.com,irina\nb@example.com,anna\n", "--update")
    assert result.counts == (1, 1, 0, 0)


def test_a_username_that_is_somebody_elses_address_is_refused(importing):
    result = importing("username,email\nboss@example.com,ann@example.com\n", "--key=username")
    assert result.counts == (0, 0, 0, 1)
    assert "must be the account’s own address" in result.errors


def test_a_rejected_row_says_where_and_why_and_nothing_of_it_is_stored(importing):
    result = importing(
        "username,email,phone\nann,not an address,12\nbob,bob@example.com,\n", "--key=username"
    )
    assert (result.code, result.counts) == (0, (1, 0, 0, 1))
    (line,) = [line for line in result.errors.splitlines() if line]
    assert line.startswith(
        "people.csv, line 2: email, column email: “not an address”: Enter a valid email address."
    )
    assert "phone, column phone: “12”: Enter a phone number" in line
    assert not User.objects.filter(username="ann").exists()


def test_values_are_shown_short_and_without_anything_invisible(importing):
    result = importing(f"username,first_name\nann,a\x1b[31m{'b' * 100}\n")
    assert r"“a\x1b[31mbbb" in result.errors
    assert "\x1b" not in result.errors
    assert "…”" in result.errors


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("first_name", "x" * 151, "A name can have at most 150 characters."),
        ("source_id", "x" * 256, "This is too long: 256 characters, 255 at most."),
        ("locale", "english!", "Enter a language tag"),
        ("time_zone", "Mars/Olympus", "Enter a time zone"),
        ("username", "a\u200bb", "invisible character"),
        ("phone", "call me", "Enter a phone number"),
    ],
)
def test_values_that_no_form_would_take_are_rejected(importing, field, value, reason):
    values = {"source_id": "1", "username": "ann"} | {field: value}
    result = importing(f"{','.join(values)}\n{','.join(values.values())}\n", "--source=x")
    assert (result.code, result.counts) == (1, (0, 0, 0, 1)), "everything was rejected"
    assert reason in result.errors


def test_a_row_without_its_key_is_rejected(importing):
    result = importing("username,email\nann,\n,bob@example.com\n", "--key=username")
    assert result.counts == (1, 0, 0, 1)
    assert (
        "line 3: username, column username: There is no value to identify the account. Its email "
        "is “bob@example.com”: use --key email if every row has one."
    ) in result.errors


def test_the_key_that_a_rejected_row_names_would_work(importing):
    text = "username,email\nann,ann@example.com\nbob,\ncy,\n"
    result = importing(text)
    assert (result.counts, result.errors.count("use --key username if every row has one.")) == (
        (1, 0, 0, 2),
        2,
    )
    assert importing(text, "--key=username").counts == (2, 0, 1, 0)


@pytest.mark.parametrize("status", [State.DELETED, State.ERASED])
def test_an_account_that_is_gone_is_not_changed(importing, status):
    make_user(username="ann", status=status, deleted_at="2024-01-01T00:00Z")
    result = importing("username,first_name\nann,Ann\n", "--update")
    assert result.counts == (0, 0, 0, 1)
    assert f"This account is {status} and can’t be changed." in result.errors


def test_rows_that_do_not_fit_are_rejected_and_the_exit_code_says_so(importing):
    text = "username,first_name\nann\nbob,Bob,extra\ncy,Cy\n\n,\n"
    result = importing(text)
    assert (result.code, result.counts) == (1, (1, 0, 0, 2))
    assert "people.csv, line 2: This row has 1 cell, but there are 2 columns." in result.errors
    assert "people.csv, line 3: This row has 3 cells, but there are 2 columns." in result.errors
    assert importing(text, "--short-rows").counts == (1, 0, 1, 1)


def test_the_first_rejected_rows_are_shown_and_the_rest_counted(importing):
    result = importing("username\n" + "a b\n" * 30)
    assert result.errors.count("people.csv, line") == 20
    assert "More rows were rejected. --report FILE lists them all." in result.errors


def test_the_report_has_every_row_and_no_formula(importing, tmp_path):
    make_user(username="ann")
    report = tmp_path / "report.csv"
    text = "username\nann\nbob\n\"=cmd|' /C calc'!A0\"\n"
    importing(text, f"--report={report}")
    assert report.read_bytes().startswith(b"\xef\xbb\xbfline,"), "so that Excel reads accents"
    rows = list(csv.reader(report.open(encoding="utf-8-sig", newline="")))
    pks = dict(User.objects.values_list("username", "pk"))
    assert rows[0] == ["line", "outcome", "account", "reason"]
    assert rows[1:3] == [
        ["2", "unchanged", str(pks["ann"]), ""],
        ["3", "created", str(pks["bob"]), ""],
    ]
    assert rows[3][:3] == ["4", "rejected", ""]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for row in rows for cell in row)
