"""Exporting a selection: POST /users/bulk/export/, what the job writes, and for whom."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.account_rows import row
from tests.builders import make_superuser, make_user
from tests.bulk.export_files import ask, exported, people, table, text_of, with_permissions
from tests.bulk.running import run, start, work
from tests.pages import read
from users import masking
from users.audit.models import AuditEvent
from users.bulk.undo_rules import undo_refusal
from users.jobs import approval, engine, worker
from users.jobs.models import Job
from users.models import User
from users.transfer.exports import formatting
from users.transfer.models import ExportPiece

pytestmark = pytest.mark.django_db
ALL = list(formatting.EXPORT_COLUMNS)
JOINED = datetime(2026, 3, 1, 12, 30, 15, 999999, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(worker.time, "sleep", lambda seconds: None)


@pytest.fixture
def root() -> User:
    return make_superuser()


def test_a_file_has_a_row_for_each_in_the_order_of_their_ids(root):
    accounts = people()
    text = exported(accounts, root, ["email", "name", "id"])
    assert text.splitlines()[0] == "id,first_name,last_name,email"
    assert table(text) == [
        {"id": str(each.pk), "first_name": each.first_name, "last_name": "", "email": each.email}
        for each in accounts
    ]
    assert text.endswith("\r\n")


def test_each_column_says_what_the_directory_says(root):
    later = timezone.now() + timedelta(days=1)
    full = make_user(
        username="ada",
        email="ada@example.com",
        first_name="Ada, “A”",
        last_name='Love"lace',
        phone="+4915112345678",
        date_joined=JOINED,
        last_seen_at=JOINED,
        email_verified_at=JOINED,
        email_bounced_at=JOINED,
        source="hr",
        source_id="x-1",
        has_second_factor=True,
        must_change_password=True,
        accepts_announcements=True,
        status="suspended",
        suspended_until=later,
    )
    bare = make_user(email="", valid_until=JOINED, date_joined=JOINED)
    first, second = table(exported([full, bare], root, ALL))
    assert first == {
        "id": str(full.pk),
        "username": "ada",
        "first_name": "Ada, “A”",
        "last_name": 'Love"lace',
        "email": "ada@example.com",
        "email_verified": "yes",
        "email_bounced": "yes",
        "domain": "example.com",
        "phone": "'+4915112345678",
        "status": "suspended",
        "joined": "2026-03-01T12:30:15Z",
        "last_seen": "2026-03-01T12:30:15Z",
        "source": "hr",
        "source_id": "x-1",
        "second_factor": "yes",
        "must_change_password": "yes",
        "accepts_announcements": "yes",
        "formula_mark": "'",
    }
    assert (second["status"], second["email"], second["last_seen"], second["email_verified"]) == (
        "ended",
        "",
        "",
        "no",
    )
    assert second["accepts_announcements"] == "no"


def test_json_lines_hold_values_as_they_are(root):
    [ada] = people(1, phone="+4915112345678", last_name="=1+1", date_joined=JOINED)
    [line] = exported(
        [ada], root, ["id", "name", "phone", "joined", "seen", "mfa"], "jsonl"
    ).splitlines()
    assert json.loads(line) == {
        "id": ada.pk,
        "first_name": "P0",
        "last_name": "=1+1",
        "phone": "+4915112345678",
        "joined": "2026-03-01T12:30:15Z",
        "last_seen": None,
        "second_factor": False,
    }


@pytest.mark.sqlite  # of texts, and not of the database
@pytest.mark.parametrize("start_of", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
@pytest.mark.parametrize("field", ["first_name", "last_name", "source_id", "username"])
def test_nothing_begins_as_a_formula_does(root, start_of, field):
    ada = make_user(source="hr", source_id="x")
    User.objects.filter(pk=ada.pk).update(
        **{field: f"{start_of}cmd|' /C calc'!A0"}
    )  # past every check
    [found] = table(exported([ada], root, ["name", "username", "source_id"]))
    assert found[field].startswith(f"'{start_of}")


def test_a_line_end_in_a_value_is_no_row(root):
    ada, eve = people(2)
    User.objects.filter(pk=ada.pk).update(first_name='a\r\nb"c,d')
    text = exported([ada, eve], root, ["name"])
    assert [each["first_name"] for each in table(text)] == ['a\r\nb"c,d', "P1"]


def test_nothing_of_the_accounts_changes_and_nobody_can_undo_it(root):
    accounts = people()
    before = [row(account) for account in accounts]
    job = run("export", accounts, by=root, parameters={"columns": ALL, "format": "csv"})
    assert [row(account) for account in accounts] == before
    assert (job.unchanged, job.changed, job.items.count()) == (3, 0, 0)
    assert "can’t be undone" in undo_refusal(job)
    assert not AuditEvent.objects.filter(
        target_id__in=[account.pk for account in accounts]
    ).exists()


def test_one_event_says_that_it_began_and_one_what_it_holds(root):
    job = run(
        "export",
        people(),
        by=root,
        reason="For the auditors",
        parameters={"columns": ["email"], "format": "csv"},
    )
    events = AuditEvent.objects.filter(job_id=job.pk).order_by("id")
    assert [event.action for event in events] == ["job.started", "export.made", "job.done"]
    assert (events[0].reason, events[1].actor_id, events[1].after) == (
        "For the auditors",
        root.pk,
        {"rows": 3, "columns": ["email"]},
    )


def test_it_is_written_in_pieces_and_each_row_is_in_one_of_them(root, monkeypatch):
    accounts = people(25)
    job = start("export", accounts, by=root, parameters={"columns": ["id"], "format": "csv"})
    while not job.has_ended:
        time_slice = worker.TimeSlice(worker.claim_job())
        time_slice.size = 7
        time_slice.step()
        time_slice.release()
        job.refresh_from_db()
    assert [piece.rows for piece in job.export.pieces.order_by("last")] == [7, 7, 7, 4]
    assert [int(each["id"]) for each in table(text_of(job.export))] == [
        account.pk for account in accounts
    ]
    piece = job.export.pieces.earliest("last")
    with pytest.raises(IntegrityError), transaction.atomic():
        ExportPiece.objects.create(
            export=job.export,
            first=1,
            last=piece.last,
            rows=1,
            size=1,
            masked=False,
            content=b"",
            index=b"",
        )


def test_a_filter_is_exported_as_of_its_moment(root):
    inside = people(2, email_verified_at=JOINED)
    make_user()
    fields = {"selection": "all=1&verified=yes", "up_to": inside[1].pk}
    make_user(email_verified_at=JOINED)
    assert [int(each["id"]) for each in table(exported(None, root, ["id"], **fields))] == [
        each.pk for each in inside
    ]


# --- masks ----------------------------------------------------------------------------------------


def test_who_may_not_see_addresses_gets_them_masked_as_everywhere():
    clerk = with_permissions("view_user", "export_user")
    ada = make_user(
        username="ada@example.com",
        email="ada@example.com",
        phone="+4915112345678",
        first_name="ada@example.com",
        source="hr",
        source_id="ada@example.com",
    )
    for form_ in ("csv", "jsonl", "scim"):
        text = exported([ada], clerk, ALL, form_)
        assert "ada@" not in text
        assert "12345" not in text
    [found] = table(exported([ada], clerk, ALL))
    [masked] = masking.mask_accounts([ada], clerk)
    assert {
        name: found[name] for name in ("username", "email", "first_name", "phone", "source_id")
    } == {
        name: getattr(masked, name)
        for name in ("username", "email", "first_name", "phone", "source_id")
    }
    assert set(ExportPiece.objects.values_list("masked", flat=True)) == {True}


def test_what_counts_are_the_rights_when_it_runs():
    agent = with_permissions("view_user", "export_user", "view_personal")
    accounts = people(4, phone="+4915112345678")
    job = start("export", accounts, by=agent, parameters={"columns": ["email"], "format": "csv"})
    time_slice = worker.TimeSlice(worker.claim_job())
    time_slice.size = 2
    time_slice.step()
    agent.user_permissions.remove(Permission.objects.get(codename="view_personal"))
    time_slice.step()
    work(job)
    shown = [each["email"] for each in table(text_of(job.export))]
    assert shown == [each.email for each in accounts[:2]] + [
        masking.mask_email(each.email) for each in accounts[2:]
    ]
    assert list(job.export.pieces.order_by("last").values_list("masked", flat=True)) == [
        False,
        True,
    ]


def test_who_loses_the_right_to_export_exports_no_more():
    agent = with_permissions("view_user", "export_user")
    job = start("export", people(), by=agent, parameters={"columns": ["email"], "format": "csv"})
    agent.user_permissions.clear()
    assert work(job).state == "parked"
    assert not ExportPiece.objects.exists()


def test_colleagues_and_superusers_are_in_it_too():
    """It only looks."""
    auditor = make_user("Auditor")
    assert (
        len(
            table(
                exported([make_superuser(), make_user("Administrator"), auditor], auditor, ["id"])
            )
        )
        == 3
    )


# --- how much -------------------------------------------------------------------------------------


def test_small_files_come_to_a_large_one_within_a_day(settings):
    settings.BULK_APPROVAL_ABOVE_FOR = {"export": 5}
    manager = make_user("Manager")
    other = make_user("Manager")
    assert [ask(manager, 3).state, ask(manager, 2).state, ask(manager, 1).state] == [
        "queued",
        "queued",
        "waiting",
    ]
    assert ask(other, 5).state == "queued"
    Job.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert ask(manager, 5).state == "queued"


def test_what_was_cancelled_or_approved_does_not_count(settings):
    settings.BULK_APPROVAL_ABOVE_FOR = {"export": 5}
    manager = make_user("Manager")
    engine.cancel_job(ask(manager, 5), by=manager)
    large = ask(manager, 6)
    approval.approve_job(large, by=make_superuser())
    assert work(large).state == "done"
    assert [ask(manager, 5).state, ask(manager, 1).state] == ["queued", "waiting"]


def test_whoever_approves_sees_what_would_be_in_it(client, settings, root):
    settings.BULK_APPROVAL_ABOVE_FOR = {"export": 1}
    job = start(
        "export",
        people(),
        by=make_user("Auditor"),
        parameters={"columns": ["name", "phone"], "format": "jsonl"},
    )
    client.force_login(root)
    page = read(client.get(f"/jobs/{job.pk}/approval/")).text
    assert "Name, Phone" in page
    assert "JSON Lines" in page


# --- its page -------------------------------------------------------------------------------------
