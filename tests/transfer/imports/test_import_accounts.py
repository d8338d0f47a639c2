"""manage.py import_accounts: what becomes of the rows of a file that can be read."""

import csv

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.builders import make_superuser, make_user
from tests.tokens.builders import make_service
from tests.transfer.imports.importer import import_file
from users import access
from users.audit.models import AuditEvent
from users.formats import ImportRecord, ImportSource
from users.mail.models import Message
from users.models import State, User
from users.search_keys import derived_columns
from users.transfer.imports import run as engine
from users.transfer.imports.rules import BOTH, CREATE, ImportRules, build_mapping
from users.transfer.imports.run import ImportRun
from users.transfer.imports.uniqueness import NameClaims

pytestmark = pytest.mark.django_db

PEOPLE = (
    "Username,Email,First name,LAST_NAME,Phone\nann,Ann@Example.com, Ann ,Müller,(030) "
    "1234\nbob,bob@example.com,Bob,Lee,\n"
)


def test_columns_become_the_fields_that_they_are_named_after(importing):
    assert importing(PEOPLE).counts == (2, 0, 0, 0)
    ann = User.objects.get(username="ann")
    assert (ann.email, ann.first_name, ann.last_name, ann.phone) == (
        "Ann@example.com",
        "Ann",
        "Müller",
        "0301234",
    )
    assert (ann.status, ann.has_usable_password(), ann.is_staff, ann.version) == (
        "active",
        False,
        False,
        1,
    )
    expected = derived_columns(ann.username, ann.email, ann.first_name, ann.last_name, ann.phone)
    assert {name: getattr(ann, name) for name in expected} == expected


def test_a_service_account_is_not_changed(importing):
    make_service(username="warehouse")
    text = "username,First name\nwarehouse,Ann\n"
    assert importing(text, "--key=username", "--update").counts == (0, 0, 0, 1)
    assert User.objects.get(username="warehouse").first_name == ""


def test_the_output_says_what_becomes_of_each_column(importing):
    output = importing(
        "username,Shoe size,Vorname\nann,38,Ann\n",
        "--map=Vorname=first_name",
        "--attributes=Shoe size",
    ).output
    assert "Vorname → first_name" in output
    assert "Stored as attributes: Shoe size" in output
    assert User.objects.get().attributes == {"Shoe size": "38"}
    assert "Ignored: Shoe size" in importing("username,Shoe size\nann,38\n").output


def test_fields_are_made_of_columns(importing):
    importing(
        "Id,Given,Family\n7,Zoë,O’Brien\n",
        "--set=username={Given|first|lower}{Family|slug}",
        "--set=email={Given|slug}.{Family|slug}@example.com",
        "--set=locale=en-IE",
    )
    account = User.objects.get()
    assert (account.username, account.email, account.locale) == (
        "zobrien",
        "zoe.obrien@example.com",
        "en-IE",
    )


def test_without_a_username_the_address_is_it(importing):
    importing("email\nAnn@Example.com\n")
    assert User.objects.get().username == "ann@example.com"


def test_a_second_run_creates_nothing(importing):
    importing(PEOPLE)
    before = list(User.objects.order_by("pk").values())
    result = importing(PEOPLE)
    assert (result.code, result.counts) == (0, (0, 0, 2, 0))
    assert list(User.objects.order_by("pk").values()) == before


def test_each_account_has_its_event(importing):
    importing("id,username\n7,ann\n", "--source=crm", "--map=id=source_id")
    event = AuditEvent.objects.get()
    account = User.objects.get()
    assert (event.action, event.actor_text, event.target_id) == (
        "account.imported",
        "command import_accounts",
        account.pk,
    )
    assert event.after == {"username": "ann", "source_id": "7", "source": "crm", "status": "active"}


def test_accounts_that_are_there_stay_as_they_are_without_update(importing, tmp_path):
    ann = make_user(username="ann", email="ann@example.com", first_name="Anna")
    report = tmp_path / "report.csv"
    assert importing(PEOPLE, "--key=username", f"--report={report}").counts == (1, 0, 1, 0)
    assert "--update would change first_name, last_name, phone." in report.read_text()
    ann.refresh_from_db()
    assert (ann.first_name, ann.version) == ("Anna", 1)


def test_update_changes_what_differs_and_says_so_in_the_trail(importing):
    ann = make_user(
        username="ann",
        email="ann@example.com",
        first_name="Anna",
        last_name="Müller",
        phone="0301234",
    )
    bob = make_user(
        username="bob", email="bob@example.com", first_name="Bob", last_name="Lee", phone="99999"
    )
    assert importing(PEOPLE, "--update").counts == (0, 1, 1, 0)
    ann.refresh_from_db()
    bob.refresh_from_db()
    assert (ann.first_name, ann.name_key, ann.version) == ("Ann", "muller ann", 2)
    assert (bob.phone, bob.version) == ("99999", 1), "an empty cell says nothing"
    event = AuditEvent.objects.get()
    assert (event.action, event.target_version) == ("account.updated_by_import", 2)
    assert (event.before, event.after) == ({"first_name": "Anna"}, {"first_name": "Ann"})


def test_a_new_address_is_an_unverified_one_and_the_former_one_gets_an_email(importing):
    past = "2024-01-01T00:00Z"
    known = {"email_verified_at": past, "email_bounced_at": past}
    ann = make_user(username="ann", email="old@example.com", **known)
    make_user(username="bob", email="")
    make_user(username="cid", email="cid@example.com", status="invited")
    text = "username,email\nann,new@example.com\nbob,bob@x.example\ncid,c@x.example\n"
    importing(text, "--key=username", "--update", "--dry-run")
    assert not Message.objects.exists()
    importing(text, "--key=username", "--update")
    ann.refresh_from_db()
    assert ann.email == "new@example.com"
    assert (ann.email_verified_at, ann.email_bounced_at) == (None, None)
    event = AuditEvent.objects.get(target_id=ann.pk)
    assert event.before.keys() == {"email", *known}
    message = Message.objects.get()
    assert (message.kind, message.to) == ("address-changed", "old@example.com")
    assert (message.account_id, message.is_bulk) == (ann.pk, True)


def test_attributes_are_merged(importing):
    make_user(username="ann", attributes={"plan": "pro", "shoe": "37"})
    importing("username,shoe,hat\nann,38,\n", "--attributes=shoe,hat", "--update")
    assert User.objects.get().attributes == {"plan": "pro", "shoe": "38"}


def test_accounts_are_known_by_the_id_of_the_other_system_first(importing):
    make_user(username="anna", email="x@example.com", source="crm", source_id="7")
    make_user(username="other", email="y@example.com", source="shop", source_id="7")
    text = "id,username,email\n7,ann,ann@example.com\n"
    assert importing(text, "--source=crm", "--map=id=source_id", "--update").counts == (0, 1, 0, 0)
    assert set(User.objects.values_list("username", "source")) == {
        ("ann", "crm"),
        ("other", "shop"),
    }


def test_an_account_of_another_system_is_not_taken_over(importing):
    make_user(username="ann", email="ann@example.com", source="crm", source_id="7")
    text = "id,email\n99,ann@example.com\n"
    result = importing(text, "--source=shop", "--map=id=source_id", "--key=email", "--update")
    assert result.counts == (0, 0, 0, 1)
    assert "already has the ID “7” in “crm”" in result.errors


def test_invited_accounts_need_an_address_and_get_no_mail(importing):
    text = "username,email\nann,ann@example.com\nbob,\n"
    assert importing(text, "--status=invited", "--key=username").counts == (1, 0, 0, 1)
    assert User.objects.get().status == State.INVITED


def test_a_dry_run_counts_the_same_and_stores_nothing(importing, monkeypatch, tmp_path):
    monkeypatch.setattr(engine, "IMPORT_CHUNK_ROWS", 2)
    make_user(username="ann", first_name="Anna")
    text = (
        "username,email,first_name\nann,,Ann\nbob,b@example.com,Bob\n"
        "cy,c@example.com,Cy\ndee,b@example.com,D\nbob,,Rob\neve,e@example.com,\n"
    )
    words = ["--key=username", "--update"]
    report = tmp_path / "report.csv"
    tried = importing(text, *words, "--dry-run", f"--report={report}")
    assert (User.objects.count(), User.objects.get().first_name, AuditEvent.objects.count()) == (
        1,
        "Anna",
        0,
    )
    ann = User.objects.get()
    rows = list(csv.DictReader(report.open(encoding="utf-8-sig")))
    assert [(row["outcome"], row["account"]) for row in rows] == [
        ("updated", str(ann.pk)),
        ("created", ""),
        ("created", ""),
        ("rejected", ""),
        ("rejected", ""),
        ("created", ""),
    ]
    assert "Another account" not in tried.errors
    assert "line 5: email: “b@example.com”: Line 3 has it too." in tried.errors
    done = importing(text, *words)
    assert tried.counts == done.counts == (3, 1, 0, 2)
    assert tried.errors == done.errors
    assert "Dry run: nothing was stored." in tried.output


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_the_size_of_a_chunk_changes_nothing(importing, monkeypatch, size):
    """Keys that come twice, names that are taken or freed by an earlier row: always as if the rows
    came one by one.
    """
    monkeypatch.setattr(engine, "IMPORT_CHUNK_ROWS", size)
    make_user(username="old", email="old@example.com", source="x", source_id="1")
    make_user(username="other", email="other@example.com", source="x", source_id="6")
    text = (
        "id,username,email\n"
        "1,newer,old@example.com\n"  # frees "old"
        "2,old,two@example.com\n"  # takes it
        "3,old,three@example.com\n"  # too late
        "4,four,two@example.com\n"  # the address is taken
        "2,second,two@example.com\n"  # the account of line 3 again
        "6,sixth,sixth@example.com\n"  # frees "other"
        "5,other,other@example.com\n"  # takes it
        "7,sixth,seven@example.com\n"
    )
    result = importing(text, "--source=x", "--map=id=source_id", "--update")
    assert result.counts == (2, 2, 0, 4)
    assert dict(User.objects.values_list("source_id", "username")) == {
        "1": "newer",
        "2": "old",
        "5": "other",
        "6": "sixth",
    }
    assert result.errors.splitlines() == [
        "people.csv, line 4: username: “old”: Line 3 has it too.",
        "people.csv, line 5: email: “two@example.com”: Line 3 has it too.",
        "people.csv, line 6: source_id: “2”: Line 3 is about the same account. Keep one of them.",
        "people.csv, line 9: username: “sixth”: Line 7 has it too.",
    ]


def test_somebody_who_takes_a_name_at_the_same_moment_costs_one_row(importing, monkeypatch):
    """As if the other's account had come after the claims were read: the database refuses, and the
    others still go in.
    """
    make_user(username="bob", email="")
    monkeypatch.setattr(NameClaims, "refusal", lambda *_: "")
    result = importing("id,username\n1,ann\n2,bob\n3,cy\n", "--source=x", "--map=id=source_id")
    assert result.counts == (2, 0, 0, 1)
    assert "line 3: This username is taken." in result.errors
    assert set(User.objects.values_list("username", flat=True)) == {"ann", "bob", "cy"}
    assert AuditEvent.objects.count() == 2


def queries(importing, text: str, *words: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        importing(text, *words)
    return len(captured)


def table(rows: int, first: int = 0) -> str:
    return "username,email\n" + "".join(
        f"name{n},name{n}@example.com\n" for n in range(first, first + rows)
    )


def test_rows_that_are_there_cost_no_query_each(importing):
    importing(table(100))
    assert queries(importing, table(100)) == queries(importing, table(10))


@pytest.mark.postgresql
def test_new_rows_cost_no_query_each(importing):
    assert queries(importing, table(10, first=0)) == queries(importing, table(200, first=1000))


def people(*names: str) -> ImportSource:
    return ImportSource(
        "people",
        1,
        ["username"],
        (ImportRecord(number, {"username": name}) for number, name in enumerate(names, 2)),
    )


def job(source: ImportSource, by: User, mode: str = CREATE) -> ImportRun:
    rules = ImportRules(mode=mode)
    return ImportRun(build_mapping(source, rules, by_name=True), by, rules)


def test_who_may_not_invite_may_not_import():
    source = people("ann")
    with pytest.raises(access.Denied, match="can invite people"):
        job(source, make_user(role="Support")).run(source.records, print)
    assert not User.objects.filter(username="ann").exists()


def test_a_row_about_an_account_above_the_importers_own_is_rejected():
    make_superuser(username="root")
    source = ImportSource(
        "people",
        1,
        ["username", "phone"],
        iter([ImportRecord(2, {"username": "root", "phone": "12345"})]),
    )
    outcomes = []
    manager = make_user(role="Manager")
    job(source, manager, BOTH).run(source.records, outcomes.append)
    (outcome,) = outcomes
    assert (outcome.kind, outcome.reason) == (
        "rejected",
        "Only a superuser may change a superuser’s account.",
    )
    assert User.objects.get(username="root").phone == ""


def test_standard_input_is_a_file_too(monkeypatch):
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PEOPLE.encode())))
    assert import_file("-").counts == (2, 0, 0, 0)


def test_the_names_of_a_deleted_account_are_taken(importing):
    account = make_user(
        username="ada", email="ada@example.com", status="deleted", deleted_at=timezone.now()
    )
    result = importing(
        "id,username,email\n1,new,ada@example.com\n2,ada,new@example.com\n",
        "--source=x",
        "--map=id=source_id",
    )
    assert result.counts == (0, 0, 0, 2)
    assert User.objects.get() == account
