"""Measures the jobs of an import, and kills their worker.

    python -m benchmarks.import_jobs --rows 100000 --kills 50
    python -m benchmarks.import_jobs --rows 1000000

It uploads a file into a database of its own on a new PostgreSQL server, checks it, imports it, and
undoes the import after EDITED accounts were changed. The worker of each job is killed with SIGKILL
at random instants, a third of --kills for each job, and replaced at once.
"""

import argparse
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

from benchmarks.fill import ROOT, environment, manage
from benchmarks.import_speed import COLUMNS, make_people
from benchmarks.server import run_postgresql

EDITED = 50
LEASE_SECONDS = 1
fork_context = multiprocessing.get_context("fork")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rollcall-import-") as name:
        folder = Path(name)
        os.chmod(folder, 0o755)  # PostgreSQL runs as another user
        with run_postgresql(folder / "postgresql") as url:
            os.environ.update(environment(url, folder / "var"))
            manage("release")
            manage("seed", "--accounts", str(options.accounts))
            set_up_django()
            run_jobs(options.rows, options.kills // 3)


def set_up_django() -> None:
    import django
    from django.conf import settings

    sys.path.insert(0, str(ROOT / "site"))
    django.setup()
    settings.BULK_APPROVAL_ABOVE = 100_000_000
    settings.BULK_APPROVAL_SHARE = 100


def run_jobs(rows: int, kills: int) -> None:
    from users.bulk.undo import undo_job
    from users.formats.options import ReadOptions
    from users.models import User
    from users.transfer.imports.check_job import start_check
    from users.transfer.imports.import_job import start_import
    from users.transfer.imports.inspection import inspect_upload
    from users.transfer.imports.rules import ImportRules
    from users.transfer.imports.storage import store_upload

    root = User.objects.create_user("root", is_staff=True, is_superuser=True)
    file = store_upload(csv_lines(rows), "people.csv", root)
    inspect_upload(file, ReadOptions())
    rules = ImportRules.from_json(file.suggested | {"source": "bench", "key": "source_id"})
    work("check", start_check(file, rules, by=root), rows, kills)
    file.refresh_from_db()
    print(f"{file.size / 1e6:.0f} MB: {file.totals}")
    job = work("import", start_import(file, by=root), rows, kills)
    imported = User.objects.filter(source="bench")
    verify(job, imported.count() == rows, "account.imported", rows)
    edited = imported.order_by("?")[:EDITED].values_list("pk", flat=True)
    User.objects.filter(pk__in=list(edited)).update(first_name="Edited", version=2)
    undo = work("undo", undo_job(job, by=root, reason="Wrong file"), rows, kills)
    deleted = imported.filter(status="deleted").count()
    verify(undo, deleted == rows - EDITED, "account.undone", rows - EDITED)


def csv_lines(rows: int) -> Iterator[bytes]:
    """Yields the lines of the file, in blocks as they are sent."""
    header = ("source_id", *COLUMNS[1:])
    yield f"{','.join(header)}\n".encode()
    for person in make_people("i", rows):
        yield f"{','.join(person)}\n".encode()


def work(name: str, job: Any, rows: int, kills: int) -> Any:
    """Works on a job until it has ended, and prints its figures."""
    from users.jobs import engine, transitions

    chance = random.Random(name)
    left = kills
    started = time.monotonic()
    while not job.has_ended:
        process = fork_worker()
        process.join(chance.uniform(0.3, 1.5) if left else None)
        if process.is_alive():
            process.kill()
            process.join()
            left -= 1
        job.refresh_from_db()
        if job.state == "parked":
            print(f"parked: {job.note}")
            engine.resume_job(job, by=transitions.job_initiator(job))
    seconds = time.monotonic() - started
    print_figures(name, job, rows / seconds, kills - left)
    return job


def print_figures(name: str, job: Any, rate: float, kills: int) -> None:
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"{name}: {rate:,.0f} rows a second, {kills} kills, {memory:.0f} MB at most, "
        f"{job.state}: {job.changed:,} changed, {job.skipped:,} skipped"
    )


def fork_worker() -> ForkProcess:
    from django.db import connections

    connections.close_all()
    process = fork_context.Process(target=work_until_done)
    process.start()
    return process


def work_until_done() -> None:
    """Works on jobs until none waits or runs."""
    from users.jobs import worker

    worker.LEASE_SECONDS = LEASE_SECONDS
    while worker.runnable_jobs().exists() or worker.Job.objects.filter(state="running").exists():
        if worker.work_time_slice() is None:
            time.sleep(0.1)


def verify(job: Any, is_right: bool, action: str, number: int) -> None:
    """Prints whether the accounts, the events and the items of a job are there once."""
    from users.audit.models import AuditEvent
    from users.jobs.models import JobItem

    events = AuditEvent.objects.filter(job_id=job.pk, action=action)
    figures = {
        "accounts": is_right,
        "events": events.count() == number,
        "targets": events.values("target_id").distinct().count() == number,
        "items": JobItem.objects.filter(job=job, outcome="changed").count() == number,
    }
    wrong = [name for name, each in figures.items() if not each]
    print(f"wrong: {', '.join(wrong)}" if wrong else "accounts, events and items: right")


if __name__ == "__main__":
    main()
