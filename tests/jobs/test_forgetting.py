"""After an erasure no job names the person, however its sentences are worded."""

import re

import pytest
from django.db import connection

from tests.audit.tampering import SESSION, in_session
from tests.builders import make_superuser, make_user
from tests.bulk.running import start, work
from users.audit.models import AuditEvent
from users.bulk import undo
from users.exceptions import VerbRefused
from users.jobs import approval, engine, remarks, worker
from users.jobs.models import Job, JobItem, JobLine
from users.models import User
from users.privacy.search_terms import is_distinctive
from users.privacy.tasks import redact_waiting_texts
from users.verbs.erasure.verb import erase_account
from users.verbs.profile.verb import edit_profile

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pauses")]
LOGIN = "dragon"  # a word, which is not searched for in texts
NAMED = re.compile(rf"(?<!\w){LOGIN}(?!\w)")
REWORDED = {code: f"§ {{actor}} {code} {{text}}" for code in remarks.SENTENCES if code}


@pytest.fixture
def dragon():
    return make_superuser(username=LOGIN, email="fafnir@example.org")


@pytest.fixture(params=["as it is", "reworded"])
def wording(request, monkeypatch):
    if request.param == "reworded":
        monkeypatch.setattr(remarks, "SENTENCES", REWORDED | {"": "{text}"})


def named_in() -> set[str]:
    """The tables in which the login stands by itself."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            if NAMED.search(repr([map_bytes(row) for row in cursor])):
                found.add(table)
    return found


def map_bytes(row: tuple) -> list[object]:
    return [bytes(cell) if isinstance(cell, memoryview) else cell for cell in row]


def act_on_jobs(dragon: User, settings) -> list[Job]:
    """The person changes an account that an undo then leaves alone, and decides about jobs."""
    agent = make_user("Support")
    accounts = [make_user() for _ in range(3)]
    suspended = work(start("suspension", accounts, by=agent))
    edit_profile(accounts[0], by=dragon, version=None, phone="12345")
    undone = work(undo.undo_job(suspended, by=agent, reason=""))
    controlled = start("suspension", accounts, by=agent)
    engine.pause_job(controlled, by=dragon)
    engine.resume_job(controlled, by=dragon)
    engine.cancel_job(controlled, by=dragon)
    settings.BULK_APPROVAL_ABOVE = 1
    approved = start("suspension", accounts[1:], by=agent)
    approval.approve_job(approved, by=dragon)
    declined = start("suspension", accounts[1:], by=agent)
    approval.decline_job(declined, by=dragon, reason="Not today")
    return [undone, controlled, work(approved), declined]


def said_by(job: Job) -> list[str]:
    job.refresh_from_db()
    rows = [*job.lines.order_by("pk"), *job.items.filter(outcome="skipped")]
    return [job.note, *(row.sentence for row in rows)]


def test_no_row_names_who_acted_on_a_job(client, dragon, settings, wording):
    jobs = act_on_jobs(dragon, settings)
    root = make_superuser()
    assert not is_distinctive(LOGIN)
    assert all(NAMED.search(" ".join(said_by(job))) for job in jobs)
    # SQLite has an index of accounts as a table.
    assert named_in() - {"users_user_search"} == {"users_auditevent", "users_user"}
    erase_account(dragon, by=root, reason="Request 17")
    redact_waiting_texts()
    assert named_in() == set()
    client.force_login(root)
    for job in jobs:
        said = " ".join(said_by(job))
        assert "an erased account" in said
        assert not NAMED.search(said)
        report = b"".join(client.get(f"/jobs/{job.pk}/not-changed.csv")).decode()
        outcome = "skipped" if job.skipped else ""
        page = client.get(f"/jobs/{job.pk}/", {"outcome": outcome}).content.decode()
        assert not NAMED.search(report + page)
        assert "an erased account" in page
    report = b"".join(client.get(f"/jobs/{jobs[0].pk}/not-changed.csv")).decode()
    assert "an erased account" in report


def test_the_sentences_name_an_erased_account(dragon, settings):
    undone, controlled, approved, declined = act_on_jobs(dragon, settings)
    assert said_by(undone)[-1].startswith(f"Changed since by {LOGIN}: ")
    erase_account(dragon, by=make_superuser(), reason="Request 17")
    assert said_by(undone)[-1].startswith("Changed since by an erased account: ")
    assert said_by(declined)[0] == "Declined by an erased account. Not today"
    assert said_by(controlled)[2:] == [
        "Paused by an erased account.",
        "Resumed by an erased account.",
        "Cancelled by an erased account.",
    ]
    assert "Approved by an erased account." in said_by(approved)


def test_a_parked_job_that_says_who_may_not_go_on_refuses_the_erasure_until_it_ends(
    accounts, wording
):
    dragon = make_user("Support", username=LOGIN)
    job = start("suspension", accounts, by=dragon)
    dragon.groups.clear()
    assert work(job).state == "parked"
    assert NAMED.search(job.note)
    root = make_superuser()
    with pytest.raises(VerbRefused, match=f"Job {job.pk} names this person"):
        erase_account(dragon, by=root, reason="Request 17")
    engine.cancel_job(job, by=root)
    erase_account(dragon, by=root, reason="Request 17")
    redact_waiting_texts()
    assert named_in() == set()
    assert not NAMED.search(" ".join(said_by(job)))


def test_a_job_of_an_erased_initiator_is_parked_without_a_name(accounts):
    dragon = make_user("Support", username=LOGIN)
    job = start("suspension", accounts, by=dragon)
    erase_account(dragon, by=make_superuser(), reason="Request 17")
    while worker.work_time_slice() is not None:
        pass
    job.refresh_from_db()
    assert job.state == "parked"
    assert job.note.startswith("An erased account may no longer do this: ")


def test_the_items_of_an_erased_account_say_nothing(dragon):
    job = Job.objects.create(kind="x", by_text="x", state="done")
    eve = make_user()
    own = {"job": job, "account": dragon, "outcome": "skipped", "before": {"phone": "1"}}
    JobItem.objects.create(**own, reason="x", code="changed_since", actor=eve, details={"x": 1})
    erase_account(dragon, by=make_superuser(), reason="Request 17")
    item = JobItem.objects.get(job=job)
    assert (item.before, item.reason, item.code) == (None, "", "")
    assert (item.actor_id, item.details, item.outcome) == (None, None, "skipped")
    assert not JobLine.objects.exists()


def test_jobs_of_an_erased_person_lose_their_session(dragon):
    with in_session():
        job = work(start("suspension", [make_user()], by=dragon))
    assert job.session_id == SESSION
    events = AuditEvent.objects.filter(job_id=job.pk)
    assert set(events.values_list("session_id", flat=True)) == {SESSION}
    erase_account(dragon, by=make_superuser(), reason="Asked")
    job.refresh_from_db()
    assert (job.session_id, job.origin) == (None, {})
    assert set(events.values_list("session_id", flat=True)) == {None}
