"""A file whose workers are killed at random instants has each row once. KILLS and ACCOUNTS make it
a long one.
"""

import os
from threading import Event

import pytest

from tests.builders import make_superuser
from tests.bulk.running import start
from tests.jobs.killing import Prey, kill_all_around
from tests.processes import until
from tests.threads import at_once, until_somebody_waits
from users.jobs import engine, worker
from users.jobs.models import Job
from users.models import User
from users.transfer.exports import file_content, piece_store
from users.verbs.erasure.verb import erase_account

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,  # as in production
    pytest.mark.long,
]
KILLS = int(os.environ.get("KILLS", "5"))
ACCOUNTS = int(os.environ.get("ACCOUNTS", "3000"))


def make_accounts(number: int) -> None:
    User.objects.bulk_create(
        (
            User(username=f"e{n}", email=f"e{n}@example.org", email_domain="example.org")
            for n in range(number)
        ),
        batch_size=2000,
    )


def export(root: User) -> Job:
    parameters = {"columns": ["id", "email"], "format": "csv"}
    return start(
        "export", None, by=root, selection="all=1&domain=example.org", parameters=parameters
    )


def ids(job: Job) -> list[int]:
    return [
        int(line.split(b",")[0])
        for line in b"".join(file_content.stream_file(job.export)).splitlines()[1:]
    ]


def run_out(job: Job, root: User) -> bool:
    job.refresh_from_db()
    if job.state == "parked":
        engine.resume_job(job, by=root)
    return job.has_ended


def test_whatever_is_killed_each_row_is_there_once(tmp_path, monkeypatch, settings):
    settings.BULK_APPROVAL_ABOVE_FOR = {"export": 10 * ACCOUNTS}
    monkeypatch.setenv("SLOW", str(0.4 * KILLS / ACCOUNTS))
    root = make_superuser()
    make_accounts(ACCOUNTS)
    job = export(root)
    prey = Prey(tmp_path)
    try:
        until(lambda: Job.objects.get(pk=job.pk).selected)
        kill_all_around(prey, job, KILLS, longest=0.5)
        until(lambda: run_out(job, root), 600)
    finally:
        prey.stop()
    assert sum(prey.killed.values()) >= KILLS * 0.8
    assert (job.state, job.unchanged, job.selected) == ("done", ACCOUNTS, ACCOUNTS)
    assert ids(job) == list(
        User.objects.filter(email_domain="example.org").order_by("pk").values_list("pk", flat=True)
    )


def test_an_erasure_waits_for_the_piece_that_is_just_being_written(settings, monkeypatch):
    """The chunk has read the account when the erasure begins, and stores it once that waits."""
    settings.BULK_APPROVAL_ABOVE_FOR = {"export": 10 * ACCOUNTS}
    root = make_superuser()
    make_accounts(20)
    job = export(root)
    last = User.objects.latest("pk")
    has_read = Event()
    pack = piece_store.pack_rows

    def late(rows):
        if not has_read.is_set():  # the erasure packs what is left
            has_read.set()
            until_somebody_waits()
        return pack(rows)

    def erase():
        assert has_read.wait(120)
        return erase_account(last, by=root, reason="Request 17")

    monkeypatch.setattr(piece_store, "pack_rows", late)
    worked, erased = at_once(worker.work_time_slice, erase)
    assert (worked, erased) == (job.pk, last)
    text = b"".join(file_content.stream_file(job.export))
    assert b"e18@example.org" in text
    assert b"e19@example.org" not in text
