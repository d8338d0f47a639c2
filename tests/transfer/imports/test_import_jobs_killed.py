"""A file whose check, import and undo are killed at random instants is imported and undone once.
KILLS and ACCOUNTS make it a long one: 50 and 100,000 take some minutes.
"""

import os
import time
from collections import Counter
from itertools import cycle, islice
from random import Random

import pytest

from tests.builders import make_superuser
from tests.jobs.killing import ROLES, Prey
from tests.processes import until
from tests.transfer.imports.jobs import counts, numbered_people, upload
from users.audit.models import AuditEvent
from users.bulk.undo import undo_job
from users.jobs import engine
from users.jobs.models import Job, JobItem
from users.models import User
from users.transfer.imports.check_job import start_check
from users.transfer.imports.import_job import start_import
from users.transfer.imports.rules import ImportRules
from users.transfer.imports.stored_rows import read_records

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,  # as in production
    pytest.mark.long,
]
KILLS = int(os.environ.get("KILLS", "6"))
ACCOUNTS = int(os.environ.get("ACCOUNTS", "900"))
KILLED = ROLES if KILLS > 10 else ["worker"]
EDITED = 50 if ACCOUNTS > 10_000 else 2


def run_out(job: Job, root: User) -> bool:
    job.refresh_from_db()
    if job.state == "parked":
        engine.resume_job(job, by=root)
    return job.has_ended


def work_under_fire(prey: Prey, job: Job, root: User) -> Job:
    """Kills a third of KILLS processes while they work on the job, and waits for its end."""
    chance = Random(job.pk)
    until(lambda: Job.objects.get(pk=job.pk).selected)
    for role in islice(cycle(KILLED), KILLS // 3):
        time.sleep(chance.uniform(0, 0.4))  # an instant, and no condition
        prey.kill(role)
    until(lambda: run_out(job, root), 900)
    assert job.state == "done"
    return job


def assert_each_once(events: Counter, number: int) -> None:
    assert len(events) == number
    assert set(events.values()) == {1}


def events_of(job: Job, action: str) -> Counter:
    found = AuditEvent.objects.filter(job_id=job.pk, action=action)
    return Counter(found.values_list("target_id", flat=True))


def test_whatever_is_killed_each_row_is_imported_and_undone_once(tmp_path, monkeypatch, settings):
    settings.BULK_APPROVAL_ABOVE = 10 * ACCOUNTS
    monkeypatch.setenv("SLOW", str(0.15 * KILLS / ACCOUNTS))
    root = make_superuser()
    file = upload(numbered_people(ACCOUNTS), root)
    rules = ImportRules.from_json(file.suggested)
    prey = Prey(tmp_path)
    try:
        work_under_fire(prey, start_check(file, rules, by=root), root)
        file.refresh_from_db()
        assert counts(file) == (ACCOUNTS, ACCOUNTS, 0, 0, 0)
        lines = [record.line for record in read_records(file, 1, ACCOUNTS)]
        assert lines == list(range(2, ACCOUNTS + 2))
        job = work_under_fire(prey, start_import(file, by=root), root)
        file.refresh_from_db()
        imported = User.objects.filter(email_domain="example.org")
        edited = list(imported.order_by("pk")[:EDITED].values_list("pk", flat=True))
        assert counts(file) == (ACCOUNTS, ACCOUNTS, 0, 0, 0)
        assert (job.changed, JobItem.objects.filter(job=job).count()) == (ACCOUNTS, ACCOUNTS)
        assert_each_once(events_of(job, "account.imported"), ACCOUNTS)
        User.objects.filter(pk__in=edited).update(first_name="Edited", version=2)
        undo = work_under_fire(prey, undo_job(job, by=root, reason="Wrong file"), root)
    finally:
        prey.stop()
    assert sum(prey.killed.values()) >= KILLS // 2
    assert (undo.changed, undo.skipped) == (ACCOUNTS - EDITED, EDITED)
    assert_each_once(events_of(undo, "account.undone"), ACCOUNTS - EDITED)
    assert imported.filter(status="deleted").count() == ACCOUNTS - EDITED
    assert imported.exclude(status="deleted").filter(pk__in=edited).count() == EDITED
