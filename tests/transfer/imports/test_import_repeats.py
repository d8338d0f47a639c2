"""manage.py import_accounts: two rows of one file that are about one account."""

import csv

import pytest

from tests.builders import make_user
from users.audit.models import AuditEvent
from users.models import User
from users.transfer.imports.line_index import TemporaryLineIndex

pytestmark = pytest.mark.django_db

TWINS = (
    "email,first_name,last_name\nann@example.com,Ann,Berg\nbob@example.com,Bob,Dahl\n"
    "Ann@Example.com,Ben,Falk\n"
)
REPEAT = "email: “ann@example.com”: Line 2 is about the same account. Keep one of them."


@pytest.mark.parametrize("words", [(), ("--update",), ("--dry-run",)])
def test_the_second_row_of_an_account_is_rejected_with_the_line_of_the_first(
    importing, tmp_path, words
):
    report = tmp_path / "report.csv"
    result = importing(TWINS, f"--report={report}", *words)
    assert (result.code, result.counts) == (1, (2, 0, 0, 1))
    assert result.errors.strip() == f"people.csv, line 4: {REPEAT}"
    with report.open(newline="", encoding="utf-8-sig") as file:
        assert list(csv.reader(file))[-1] == ["4", "rejected", "", REPEAT]
    if "--dry-run" not in words:
        assert User.objects.get(email="ann@example.com").first_name == "Ann"


def test_an_account_that_is_there_gets_the_values_of_one_row_only(importing):
    make_user(username="ann", email="ann@example.com", first_name="Anna")
    result = importing(TWINS, "--update")
    assert (result.code, result.counts) == (1, (1, 1, 0, 1))
    assert User.objects.get(username="ann").first_name == "Ann"
    assert AuditEvent.objects.filter(action="account.updated_by_import").count() == 1


def test_it_counts_too_if_the_first_row_was_rejected(importing):
    """If the later row went in, the mended first row would be a surprise."""
    result = importing("email,phone\nann@example.com,call me\nann@example.com,\n")
    assert (result.code, result.counts) == (1, (0, 0, 0, 2))
    assert f"line 3: {REPEAT}" in result.errors


def test_a_repeat_with_faults_of_its_own_is_told_of_both(importing):
    result = importing("email,phone\nann@example.com,\nann@example.com,call me\n")
    assert "line 3: phone, column phone: “call me”: Enter a phone number" in result.errors
    assert result.errors.strip().endswith(REPEAT)


def test_rows_without_a_key_are_no_repeats_of_each_other(importing):
    result = importing("username,email\n,a@example.com\n,b@example.com\n", "--key=username")
    assert result.errors.count("There is no value to identify the account.") == 2
    assert "the same account" not in result.errors


def test_ids_that_differ_in_case_are_two_accounts(importing):
    result = importing("id,username\na,ann\nA,bob\n", "--source=x", "--map=id=source_id")
    assert result.counts == (2, 0, 0, 0)


@pytest.mark.parametrize("written_at_once", [1, 50_000])
def test_an_index_has_the_first_line_of_each_value_and_no_value(monkeypatch, written_at_once):
    monkeypatch.setattr("users.transfer.imports.line_index.WRITTEN_AT_ONCE", written_at_once)
    index = TemporaryLineIndex()
    assert [index.add("email", "ann", 2), index.add("email", "ann", 3)] == [2, 2]
    assert index.add("username", "ann", 4) == 4
    assert (index.find("email", "ann"), index.find("email", "bob")) == (2, 0)
    index.flush()
    assert (index.find("email", "ann"), index.find("email", "bob")) == (2, 0)
    index.put("email", "ann", 5)
    index.flush()
    assert index.find("email", "ann") == 5
    stored = list(index.database.execute("SELECT * FROM line"))
    assert len(stored) == (2 if written_at_once == 1 else 0)
    assert "ann" not in str(stored)
    index.close()
