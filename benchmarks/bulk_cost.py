"""bin/bench --bulk: compares a job that suspends many accounts with the same SQL by hand.

It also measures how the job slows down other requests.
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
from django.db import close_old_connections
from django.http import QueryDict

from benchmarks.bulk_by_hand import (
    FILTER,
    REASON,
    make_checkpoint,
    reactivate_accounts,
    suspend_by_hand,
    without_timeouts,
)
from benchmarks.bulk_report import Run, bulk_report, figures
from benchmarks.client import Answer
from benchmarks.editor import Ledger, find_editors
from benchmarks.form_parser import form_with
from benchmarks.peers import ROOT, Peer, Running, run_servers
from benchmarks.report import Report
from tests.servers import running
from users import access
from users.audit.models import AuditEvent
from users.bulk.selection import Selection
from users.jobs.kinds import KINDS
from users.jobs.models import Job, JobItem, WorkerBeat
from users.mail.models import Message
from users.models import User
from users.verbs.password_reset.verb import send_password_reset

PATH = "/users/bulk/suspension/"
SMALL_JOB = 10_000
EDITS_PER_SECOND = 20
# Edits before the job starts.
IDLE_EDITS = 200
# Most seconds between two password resets.
EMAIL_INTERVAL = 5.0
TIMEOUT = 3600


def measure_bulk(
    options: argparse.Namespace, peers: list[Peer], conditions: dict[str, Any]
) -> Report:
    """Measures the job, and the same SQL by hand before and after it.

    Raises RuntimeError if the database has too few matching accounts, or the job missed one.
    """
    up_to, number = oldest_accounts(options.select or options.accounts // 10)
    # There is no second person to approve the job.
    os.environ["BULK_APPROVAL_ABOVE"] = str(10**12)
    by_hand = [time_by_hand(up_to, number)]
    with run_servers(peers, options.keep, counted=False) as [rollcall]:
        bench = Bench(rollcall, options.keep)
        say("a small job")
        small = bench.run(*oldest_accounts(min(SMALL_JOB, number // 10)), beside=False)
        say(f"{number:,} accounts by a job")
        idle = bench.edits(lambda done: done >= IDLE_EDITS)
        large = bench.run(up_to, number, beside=True)
    by_hand.append(time_by_hand(up_to, number))
    return bulk_report(conditions, figures(number, by_hand, small, large, idle))


def oldest_accounts(wanted: int) -> tuple[int, int]:
    """Returns the highest id of the oldest matching accounts, and their number."""
    with without_timeouts():
        accounts = Selection.parse(QueryDict(f"{FILTER}&all=1")).accounts()
        matching = accounts.order_by("pk").values_list("pk", flat=True)
        last = matching[wanted - 1 : wanted].first()
    if last is None:
        message = f"fewer than {wanted:,} accounts were never seen: choose fewer with --select."
        raise RuntimeError(message)
    return last, wanted


def time_by_hand(up_to: int, number: int) -> float:
    say(f"{number:,} accounts by hand")
    job, seconds = suspend_by_hand(up_to, number)
    reactivate_accounts(job)
    return seconds


class Bench:
    """Runs jobs in Rollcall, beside connections that edit accounts and request password resets."""

    def __init__(self, rollcall: Running, folder: Path):
        self.rollcall = rollcall
        self.folder = folder
        self.ledger = Ledger()
        self.connection = rollcall.connect()
        self.editors = find_editors(self.connection, self.ledger, 4)
        edited = [editor.pk for editor in self.editors]
        seen = User.objects.filter(status="active", is_staff=False, last_seen_at__isnull=False)
        others = seen.exclude(pk__in=edited).exclude(email="")
        self.recipients = list(others.order_by("-pk")[:500])

    def run(self, up_to: int, number: int, *, beside: bool) -> Run:
        """Runs a job in a worker of its own, if `beside` with edits and emails at the same time."""
        with run_worker(self.folder) as process:
            job, request_size, preview = self.start(up_to, number)
            found = Run(job=job, request_size=request_size, preview=preview)
            threads = [threading.Thread(target=self.watch, args=(found, process))]
            if beside:
                threads.append(threading.Thread(target=self.edit_beside, args=(found,)))
                threads.append(threading.Thread(target=self.mail_beside, args=(found,)))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        job.refresh_from_db()
        check_job(job, number)
        found.seconds = (job.ended_at - job.started_at).total_seconds()  # type: ignore[operator]
        reactivate_accounts(job)
        begin = time.perf_counter()
        with without_timeouts():
            KINDS["suspend"].fingerprint(job)
        found.fingerprint = time.perf_counter() - begin
        return found

    def start(self, up_to: int, number: int) -> tuple[Job, int, float]:
        """Starts a job with the form, as a browser does.

        Returns the job, the size of the request and the seconds of the preview.
        """
        at = Selection.parse(QueryDict(f"{FILTER}&all=1")).query.rpartition("at=")[2]
        path = f"{PATH}?{FILTER}&all=1&up_to={up_to}&at={at}"
        page = self.connection.get(path)
        fields = dict(form_with("count", page.page))
        fields |= {"reason": REASON, "count": number_to_type(page.page)}
        sent = list(fields.items())
        make_checkpoint()
        answer = self.connection.post(path, sent)
        if answer.status != 302:
            raise RuntimeError(f"The job was not started: {answer.status}.")
        job = Job.objects.get(pk=int(answer.headers["location"].strip("/").rpartition("/")[2]))
        request = f"POST {path} HTTP/1.1\r\n{self.connection.head}\r\n{urlencode(sent)}"
        return job, len(request), page.seconds

    def watch(self, found: Run, process: psutil.Process) -> None:
        """Records the peak memory of the worker until the job has ended."""
        deadline = time.monotonic() + TIMEOUT
        while not has_ended(found.job) and time.monotonic() < deadline:
            found.peak_memory = max(found.peak_memory, largest_process(process))
            time.sleep(0.2)
        close_old_connections()

    def edit_beside(self, found: Run) -> None:
        found.edits = self.edits(lambda done: has_ended(found.job))
        close_old_connections()

    def edits(self, is_enough: Callable[[int], bool]) -> list[Answer]:
        """Edits EDITS_PER_SECOND accounts with one connection until `is_enough` for the number."""
        connection = self.rollcall.connect()
        begin = time.monotonic()
        answers: list[Answer] = []
        while not is_enough(len(answers)):
            editor = self.editors[len(answers) % len(self.editors)]
            answers.append(editor.edit(connection))
            next_edit = begin + len(answers) / EDITS_PER_SECOND
            time.sleep(max(0.0, next_edit - time.monotonic()))
        connection.close()
        # The first edit of each account also loads its form.
        return answers[len(self.editors) :]

    def mail_beside(self, found: Run) -> None:
        interval = min(EMAIL_INTERVAL, max(found.job.expected or 0, 1) / 50_000)
        while self.recipients and (not found.emails or not has_ended(found.job)):
            found.emails.append(time_email(self.recipients.pop()))
            time.sleep(interval)
        close_old_connections()


def time_email(account: User) -> float:
    """Returns the seconds from the outbox row of a password reset to its delivery, or TIMEOUT if it
    is not sent within a minute.
    """
    send_password_reset(account, by=access.CommandActor("benchmark"))
    message = Message.objects.filter(account=account).latest("pk")
    deadline = time.monotonic() + 60
    while message.sent_at is None and time.monotonic() < deadline:
        time.sleep(0.05)
        message.refresh_from_db()
    if message.sent_at is None:
        return TIMEOUT
    return (message.sent_at - message.created_at).total_seconds()


@contextmanager
def run_worker(folder: Path) -> Iterator[psutil.Process]:
    """Runs a worker with both queues, and yields its process once both have run a task."""
    WorkerBeat.objects.all().delete()
    command = [sys.executable, "manage.py", "worker"]
    options: dict[str, Any] = {"cwd": ROOT, "env": os.environ.copy()}
    with (folder / "worker.log").open("a") as log:
        options |= {"stdout": log, "stderr": subprocess.STDOUT}
        with running(command, stop=signal.SIGTERM, **options) as process:
            deadline = time.monotonic() + 60
            while WorkerBeat.objects.count() < 2:
                if process.poll() is not None or time.monotonic() > deadline:
                    message = f"the worker does not start; {folder}/worker.log may say why."
                    raise RuntimeError(message)
                time.sleep(0.1)
            yield psutil.Process(process.pid)


def largest_process(process: psutil.Process) -> int:
    """Returns the resident set of its largest child process in bytes."""
    sizes = [0]
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            sizes.append(child.memory_info().rss)
    return max(sizes)


def has_ended(job: Job) -> bool:
    state = Job.objects.filter(pk=job.pk).values_list("state", flat=True).get()
    return state in ("done", "cancelled", "parked")


def number_to_type(page: str) -> str:
    """Returns the number that the page asks the user to type."""
    return page.partition('Type <strong class="number">')[2].partition("<")[0]


def check_job(job: Job, number: int) -> None:
    """Raises RuntimeError unless the job changed each account once, with an event and a
    before-image.
    """
    written = AuditEvent.objects.filter(job_id=job.pk, action="account.suspended")
    with without_timeouts():
        items = JobItem.objects.filter(job=job, outcome="changed", before__isnull=False).count()
        events = written.filter(at__gte=job.created_at).count()
    if (job.state, job.changed, items, events) != ("done", number, number, number):
        counts = f"{job.changed:,} of {number:,} changed, {items:,} items, {events:,} events"
        raise RuntimeError(f"{job.state}: {counts}. {job.note}")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
