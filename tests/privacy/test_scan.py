"""One walk for all who wait, in small steps, that goes on after whatever became of a worker."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone
from django_q.models import OrmQ, Task

from tests.builders import make_superuser, make_user
from tests.bulk.running import run
from tests.pages import read
from tests.threads import at_once
from users.access import CommandActor
from users.audit import redaction
from users.audit.models import AuditEvent
from users.audit.tasks import seal_audit_chain
from users.audit.verification.chain_check import verify_chain
from users.directory.models import SavedView
from users.exceptions import VerbRefused
from users.jobs.models import Job
from users.jobs.queue import task_queue
from users.jobs.queue.payload import read_payload
from users.jobs.schedule import EVERY_MINUTE
from users.models import User
from users.notes.changes import add_note
from users.privacy import scan, text_columns
from users.privacy.models import Redaction, RedactionWalk
from users.privacy.tasks import TASK, redact_waiting_texts
from users.verbs.erasure.verb import erase_account
from users.verbs.reinstatement.verb import reinstate_account
from users.verbs.suspension.verb import suspend_account

pytestmark = pytest.mark.django_db
COMMAND = CommandActor("test")


def erase(account: User) -> None:
    erase_account(account, by=COMMAND, reason="Request 17")


def test_a_note_a_reason_and_its_event_about_another_account_lose_the_name(client):
    root = make_superuser()
    ada = make_user(email="quaxi1902@example.org")
    eve = make_user()
    add_note(eve, by=root, text="Shares a flat with Quaxi1902@example.org.")
    suspend_account(eve, by=root, reason="Abuse of quaxi1902@example.org")
    version = User.objects.get(pk=eve.pk).version
    erase(ada)
    client.force_login(root)
    page = read(client.get(f"/users/{ada.pk}/")).one("main").text
    assert "are still being removed" in page
    redact_waiting_texts()
    eve.refresh_from_db()
    assert (eve.notes.get().text, eve.status_reason) == (
        "Shares a flat with [erased].",
        "Abuse of [erased]",
    )
    assert eve.version == version  # undo and open forms go by it
    event = AuditEvent.objects.get(target_id=eve.pk, action="account.suspended")
    assert (event.reason, event.after["status_reason"]) == (
        "Abuse of [erased]",
        "Abuse of [erased]",
    )
    page = read(client.get(f"/users/{ada.pk}/")).one("main").text
    assert "are still being removed" not in page
    assert "Removed mentions of the person" in page
    told = AuditEvent.objects.get(target_id=ada.pk, action="account.traces_removed")
    assert (told.after, told.actor_id) == ({"records": 3}, None)
    for path in (
        f"/users/{eve.pk}/",
        f"/users/{eve.pk}/activity/",
        f"/users/{eve.pk}/notes/",
        "/audit/",
    ):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "quaxi1902" not in answer.content.decode().casefold(), path
    assert "Removed erased names" in read(client.get("/audit/")).one("main").text
    seal_audit_chain()
    assert (verify_chain().fault, verify_chain().redacted) == ("", 1)


def queued(path: str) -> list[OrmQ]:
    return [ring for ring in OrmQ.objects.all() if read_payload(ring.payload).path == path]


def test_a_worker_is_told_in_the_erasure_and_looks_every_minute_anyway():
    assert EVERY_MINUTE[TASK] == task_queue.MAIN
    with transaction.atomic():
        erase(make_user())
        assert len(queued(TASK)) == 1
        assert Redaction.objects.count() == 1
        transaction.set_rollback(True)


def test_the_ring_names_nobody():
    erase(make_user(username="quaxi77", email="quaxi1902@example.org", phone="+15550001234"))
    for ring in OrmQ.objects.all():
        assert read_payload(ring.payload).ids == ()
        assert not any(value in ring.payload for value in ("quaxi", "1902", "5550001234"))


def test_many_are_looked_for_by_one_walk():
    root = make_superuser()
    eve = make_user()
    people = [make_user(username=f"quax{number}77") for number in range(5)]
    for person in people:
        add_note(eve, by=root, text=f"About {person.username} and {people[0].username}")
    job = run("erasure", people, by=root, reason="Request 17")
    assert job.changed == 5, job.note
    assert not queued(TASK)  # the next minute’s look is one for all
    redact_waiting_texts()
    assert RedactionWalk.objects.get().number == 1
    assert set(eve.notes.values_list("text", flat=True)) == {"About [erased] and [erased]"}
    told = dict(
        AuditEvent.objects.filter(action="account.traces_removed").values_list("target_id", "after")
    )
    assert told == {person.pk: {"records": 5 if person == people[0] else 1} for person in people}


def test_who_is_erased_during_a_walk_waits_for_the_next():
    root = make_superuser()
    eve = make_user()
    ada = make_user(username="quaxada7")
    bob = make_user(username="quaxbob7")
    add_note(eve, by=root, text="quaxada7 and quaxbob7")
    erase(ada)
    claim = scan.claim_scan()
    assert scan.scan_chunk(claim)
    erase(bob)
    while scan.scan_chunk(claim):
        pass
    assert RedactionWalk.objects.get().number == 2
    assert eve.notes.get().text == "[erased] and [erased]"
    assert not Redaction.objects.exists()


def test_it_takes_many_steps_and_a_dead_worker_loses_none(monkeypatch):
    monkeypatch.setattr(text_columns, "CHUNK_ROWS", 2)
    monkeypatch.setattr(text_columns, "CHUNK_IDS", 1000)
    root = make_superuser()
    eve = make_user()
    ada = make_user(username="quaxada7")
    for number in range(9):
        add_note(eve, by=root, text=f"quaxada7 called, {number}")
    for _ in range(4):
        suspend_account(eve, by=root, reason="quaxada7")
        reinstate_account(eve, by=root, reason="quaxada7")
    erase(ada)
    steps = 0
    while Redaction.objects.exists():
        RedactionWalk.objects.update(
            busy_until=timezone.now() - timedelta(seconds=1)
        )  # the one before was killed
        with (
            pytest.raises(ZeroDivisionError),
            patch.object(scan.time, "sleep", lambda seconds: 1 / 0),
        ):
            scan.run_scan()
        steps += 1
        assert steps < 500
    assert steps > 15
    assert set(eve.notes.values_list("text", flat=True)) == {
        f"[erased] called, {number}" for number in range(9)
    }
    assert not AuditEvent.objects.filter(reason__contains="quaxada7").exists()
    assert AuditEvent.objects.get(action="account.traces_removed").after == {"records": 17}
    seal_audit_chain()
    assert verify_chain().fault == ""


def test_a_step_that_fails_takes_everything_back():
    eve = make_user()
    ada = make_user(username="quaxada7")
    add_note(eve, by=make_superuser(), text="quaxada7")
    erase(ada)
    with (
        patch.object(scan, "finish_scan", side_effect=ZeroDivisionError),
        pytest.raises(ZeroDivisionError),
    ):
        scan.run_scan()
    assert Redaction.objects.get().walking
    RedactionWalk.objects.update(busy_until=timezone.now())
    redact_waiting_texts()
    assert not Redaction.objects.exists()


def test_a_failure_is_told_without_the_words_that_it_may_hold(caplog):
    eve = make_user()
    ada = make_user(username="quaxada7")
    add_note(eve, by=make_superuser(), text="quaxada7")
    erase(ada)
    with patch.object(scan, "finish_scan", side_effect=ValueError("quaxada7")):
        redact_waiting_texts()
    assert "stopped with ValueError" in caplog.text
    assert "quaxada7" not in caplog.text
    redact_waiting_texts()
    assert not Redaction.objects.exists()


def test_an_event_that_the_database_does_not_let_go_does_not_keep_the_others(caplog):
    root = make_superuser()
    eve = make_user()
    ada = make_user(username="quaxada7")
    for _ in range(3):
        suspend_account(eve, by=root, reason="quaxada7")
        reinstate_account(eve, by=root)
    strange = AuditEvent.objects.filter(action="account.suspended").order_by("id")[1]
    erase(ada)

    def refusing(changes):
        if strange.pk in changes:
            raise DatabaseError("quaxada7")
        redaction.redact_events(changes)

    with patch.object(text_columns, "redact_events", refusing):
        redact_waiting_texts()
    assert list(AuditEvent.objects.filter(reason="quaxada7")) == [strange]
    assert f"Event {strange.pk} still names an erased person" in caplog.text
    assert "quaxada7" not in caplog.text
    assert not Redaction.objects.exists()


def test_who_comes_while_another_walks_does_nothing():
    erase(make_user())
    claim = scan.claim_scan()
    assert scan.claim_scan() is None
    assert scan.run_scan() is False
    assert Redaction.objects.exists()
    RedactionWalk.objects.update(claim=5)  # taken over, since it was silent for a minute
    assert scan.scan_chunk(claim) is False


def test_where_nobody_waits_nothing_is_written(django_assert_num_queries):
    with django_assert_num_queries(1):
        redact_waiting_texts()


@pytest.mark.django_db(transaction=True)
def test_several_workers_count_nothing_twice():
    root = make_superuser()
    eve = make_user()
    ada = make_user(username="quaxada7")
    for number in range(20):
        add_note(eve, by=root, text=f"quaxada7 called, {number}")
    erase(ada)
    with patch.object(text_columns, "CHUNK_ROWS", 3):
        at_once(*[redact_waiting_texts] * 3)
        while Redaction.objects.exists():
            redact_waiting_texts()
    assert AuditEvent.objects.get(action="account.traces_removed").after == {"records": 20}


def test_results_of_tasks_that_earlier_releases_kept_go():
    Task.objects.create(
        id="x",
        name="x",
        func="x",
        started=timezone.now(),
        stopped=timezone.now(),
        success=False,
        result="about quaxada7",
    )
    erase(make_user())
    redact_waiting_texts()
    assert not Task.objects.exists()


def test_two_views_whose_names_become_the_same_are_told_apart():
    owner = make_superuser()
    ada = make_user(username="quaxada7")
    erase(ada)
    for name in ("quaxada7", "QUAXADA7"):  # made just afterwards
        SavedView.objects.create(owner=owner, name=name, query="status=active")
    redact_waiting_texts()
    names = list(SavedView.objects.order_by("pk").values_list("name", flat=True))
    assert names[0] == "[erased]"
    assert names[1].startswith("[erased] ")


def test_an_open_job_is_left_alone_and_refuses_the_erasure_of_whom_it_names():
    ada = make_user(phone="+4915799887766")
    job = Job.objects.create(kind="x", by_text="x", reason="Asked from 0157 998877 66")
    with pytest.raises(VerbRefused, match=f"Job {job.pk}"):
        erase(ada)
    Job.objects.update(state="done")
    erase(ada)
    redact_waiting_texts()
    assert Job.objects.get().reason == "Asked from [erased]"
