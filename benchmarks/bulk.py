"""bin/bench --bulk: many accounts suspended by a job, against the same effect by hand, and the
times of others meanwhile.
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import Any
from urllib.parse import urlencode

import psutil
from django.db import close_old_connections
from django.http import QueryDict

from benchmarks.bulk_by_hand import FILTER, REASON, by_hand, ready, take_back, unlimited
from benchmarks.client import Answer
from benchmarks.editor import Editor, Ledger, editors
from benchmarks.forms import form_with
from benchmarks.measure import faulty, p95
from benchmarks.peers import ROOT, Peer, Running, serving
from benchmarks.report import Report, listing, short, table
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
SMALL = 10_000
# Edits a second, and the number of edits before anything else runs.
RATE = 20
IDLE = 200
# Seconds between two password resets.
MAIL_EACH = 5.0
PATIENCE = 3600


@dataclass(frozen=True)
class Figure:
    """A line of the table. `target`: the bound in words; `met`: whether the figure keeps it, None
    if it has no bound.
    """

    name: str
    value: str
    target: str = ""
    met: bool | None = None
    data: Any = None


def bulk(options: argparse.Namespace, peers: list[Peer], conditions: dict[str, Any]) -> Report:
    """Measures the job and the same effect by hand. Raises RuntimeError if the database has too few
    accounts that fit, or a job left one out.
    """
    up_to, number = chosen(options.select or options.accounts // 10)
    # Nobody is there to approve.
    os.environ["BULK_APPROVAL_ABOVE"] = str(10**12)
    say(f"{number:,} accounts by hand")
    first, seconds = by_hand(up_to, number)
    hand = [seconds]
    take_back(first)
    with serving(peers, options.keep, counted=False) as [rollcall]:
        bench = Bench(rollcall, options.keep)
        say("a small job")
        small = bench.run(*chosen(min(SMALL, number // 10)), beside=False)
        say(f"{number:,} accounts by a job")
        idle = bench.edits(lambda done: done >= IDLE)
        large = bench.run(up_to, number, beside=True)
    say("by hand once more")
    last, seconds = by_hand(up_to, number)
    hand.append(seconds)
    take_back(last)
    found = figures(number, hand, small, large, idle)
    words = {None: "", True: "yes", False: "NO"}
    rows = [[each.name, each.value, each.target, words[each.met]] for each in found]
    lines = table(["what", "figure", "target", "met"], rows)
    text = "\n\n".join([listing(conditions), lines, NOTES])
    return Report(text, {"conditions": conditions, "bulk": [vars(each) for each in found]})


NOTES = """By hand: one transaction of an UPDATE and two INSERT … SELECT, over the same accounts,
with the same rows of events and before-images, into the same tables with the same indexes and
triggers; before the job and after it, and their mean. Before each the accounts are active again,
the tables vacuumed and a checkpoint made. The job's time is from its first chunk to its last, by
the database. Edits are POSTs of a form of Rollcall, 20 a second. Memory is the resident set of the
largest process of the worker."""


def chosen(wanted: int) -> tuple[int, int]:
    """The highest id of the oldest accounts that fit, and their number."""
    with unlimited():
        accounts = Selection.parse(QueryDict(f"{FILTER}&all=1")).accounts()
        fitting = accounts.order_by("pk").values_list("pk", flat=True)
        last = fitting[wanted - 1 : wanted].first()
    if last is None:
        message = f"fewer than {wanted:,} accounts were never seen: choose fewer with --select."
        raise RuntimeError(message)
    return last, wanted


@dataclass
class Run:
    """The figures of one job. `peak`: bytes of memory; `post`: bytes of the request that started
    it; `preview`: seconds of its page.
    """

    job: Job
    seconds: float
    peak: int
    post: int
    preview: float
    fingerprint: float
    edits: list[Answer] = field(default_factory=list)
    mails: list[float] = field(default_factory=list)


class Bench:
    """Runs jobs in Rollcall, with connections that edit and ask for password resets beside them."""

    def __init__(self, rollcall: Running, folder: Path):
        self.rollcall = rollcall
        self.folder = folder
        self.ledger = Ledger()
        self.connection = rollcall.connect()
        self.editors = editors(self.connection, self.ledger, 4)
        edited = [editor.pk for editor in self.editors]
        seen = User.objects.filter(status="active", is_staff=False, last_seen_at__isnull=False)
        free = seen.exclude(pk__in=edited).exclude(email="")
        self.others = list(free.order_by("-pk")[:500])

    def run(self, up_to: int, number: int, *, beside: bool) -> Run:
        """Runs a job in a worker of its own. `beside`: others edit and ask for emails meanwhile."""
        with worker(self.folder) as process:
            job, post, preview = self.start(up_to, number)
            found = Run(job, seconds=0, peak=0, post=post, preview=preview, fingerprint=0)
            helpers = [threading.Thread(target=self.watch, args=(found, process))]
            if beside:
                others = (self.edit_beside, self.mail_beside)
                helpers += [threading.Thread(target=work, args=(found,)) for work in others]
            for helper in helpers:
                helper.start()
            for helper in helpers:
                helper.join()
        job.refresh_from_db()
        check(job, number)
        found.seconds = (job.ended_at - job.started_at).total_seconds()  # type: ignore[operator]
        take_back(job)
        begin = time.perf_counter()
        with unlimited():
            KINDS["suspend"].fingerprint(job)
        found.fingerprint = time.perf_counter() - begin
        return found

    def start(self, up_to: int, number: int) -> tuple[Job, int, float]:
        """Starts a job by the form, as a browser does. Returns the job, the bytes of the request
        and the seconds of the preview.
        """
        at = Selection.parse(QueryDict(f"{FILTER}&all=1")).query.rpartition("at=")[2]
        path = f"{PATH}?{FILTER}&all=1&up_to={up_to}&at={at}"
        page = self.connection.get(path)
        fields = dict(form_with("count", page.page))
        fields |= {"reason": REASON, "count": typed(page.page)}
        sent = [*fields.items()]
        ready()
        answer = self.connection.post(path, sent)
        if answer.status != 302:
            raise RuntimeError(f"The job was not started: {answer.status}.")
        job = Job.objects.get(pk=int(answer.headers["location"].strip("/").rpartition("/")[2]))
        request = f"POST {path} HTTP/1.1\r\n{self.connection.head}\r\n{urlencode(sent)}"
        return job, len(request), page.seconds

    def watch(self, found: Run, process: psutil.Process) -> None:
        """Notes the peak memory of the worker until the job has ended."""
        deadline = time.monotonic() + PATIENCE
        while not ended(found.job) and time.monotonic() < deadline:
            found.peak = max(found.peak, largest(process))
            time.sleep(0.2)
        close_old_connections()

    def edit_beside(self, found: Run) -> None:
        found.edits = self.edits(lambda done: ended(found.job))
        close_old_connections()

    def edits(self, enough: Any) -> list[Answer]:
        """Edits RATE times a second, by one connection, until it is enough."""
        connection = self.rollcall.connect()
        begin = time.monotonic()
        answers: list[Answer] = []
        while not enough(len(answers)):
            editor: Editor = self.editors[len(answers) % len(self.editors)]
            answers.append(editor.edit(connection))
            time.sleep(max(0.0, begin + len(answers) / RATE - time.monotonic()))
        connection.close()
        # The first edit of each account also loads its form.
        return answers[len(self.editors) :]

    def mail_beside(self, found: Run) -> None:
        while self.others and (not found.mails or not ended(found.job)):
            found.mails.append(mailed(self.others.pop()))
            time.sleep(min(MAIL_EACH, max(found.job.expected or 0, 1) / 50_000))
        close_old_connections()


def mailed(account: User) -> float:
    """Seconds from a password reset's row to its delivery; PATIENCE if it is not sent within a
    minute.
    """
    send_password_reset(account, by=access.CommandActor("benchmark"))
    mail = Message.objects.filter(account=account).latest("pk")
    deadline = time.monotonic() + 60
    while mail.sent_at is None and time.monotonic() < deadline:
        time.sleep(0.05)
        mail.refresh_from_db()
    if mail.sent_at is None:
        return PATIENCE
    return (mail.sent_at - mail.created_at).total_seconds()


@contextmanager
def worker(folder: Path) -> Iterator[psutil.Process]:
    """A worker with both queues, once both have run something."""
    WorkerBeat.objects.all().delete()
    command = [sys.executable, "manage.py", "worker"]
    with (folder / "worker.log").open("a") as log:
        options = {
            "cwd": ROOT,
            "env": os.environ.copy(),
            "stdout": log,
            "stderr": subprocess.STDOUT,
        }
        with running(command, stop=signal.SIGTERM, **options) as process:
            deadline = time.monotonic() + 60
            while WorkerBeat.objects.count() < 2:
                if process.poll() is not None or time.monotonic() > deadline:
                    message = f"the worker does not start; {folder}/worker.log may say why."
                    raise RuntimeError(message)
                time.sleep(0.1)
            yield psutil.Process(process.pid)


def largest(process: psutil.Process) -> int:
    sizes = [0]
    for each in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            sizes.append(each.memory_info().rss)
    return max(sizes)


def ended(job: Job) -> bool:
    state = Job.objects.filter(pk=job.pk).values_list("state", flat=True).get()
    return state in ("done", "cancelled", "parked")


def typed(page: str) -> str:
    """The number that the page asks for."""
    return page.partition('Type <strong class="number">')[2].partition("<")[0]


def check(job: Job, number: int) -> None:
    """Raises RuntimeError unless the job changed each account once, with an event and a
    before-image.
    """
    written = AuditEvent.objects.filter(job_id=job.pk, action="account.suspended")
    with unlimited():
        items = JobItem.objects.filter(job=job, outcome="changed", before__isnull=False).count()
        events = written.filter(at__gte=job.created_at).count()
    if (job.state, job.changed, items, events) != ("done", number, number, number):
        counts = f"{job.changed:,} of {number:,} changed, {items:,} items, {events:,} events"
        raise RuntimeError(f"{job.state}: {counts}. {job.note}")


def figures(
    number: int, hand: list[float], small: Run, large: Run, idle: list[Answer]
) -> list[Figure]:
    return [
        *time_figures(number, hand, large),
        *edit_figures(idle, large.edits),
        Figure(
            f"memory of the worker, {small.job.changed:,} accounts",
            megabytes(small.peak),
            data=small.peak,
        ),
        Figure(
            f"memory of the worker, {number:,} accounts",
            megabytes(large.peak),
            target="± 20 MB",
            met=abs(large.peak - small.peak) <= 20 * 2**20,
            data=large.peak,
        ),
        *request_figures(large),
    ]


def time_figures(number: int, hand: list[float], large: Run) -> list[Figure]:
    mean = fmean(hand)
    rate = number / large.seconds
    both = ", ".join(map(short, hand))
    return [
        Figure(f"by hand, {number:,} accounts", f"{short(mean)} s ({both})", data=hand),
        Figure(f"by a job, {number:,} accounts", f"{short(large.seconds)} s", data=large.seconds),
        Figure("accounts a second, by the job", f"{rate:,.0f}", data=rate),
        Figure(
            "job / by hand",
            f"× {short(large.seconds / mean)}",
            target="≤ 2",
            met=large.seconds <= 2 * mean,
            data=large.seconds / mean,
        ),
    ]


def edit_figures(idle: list[Answer], beside: list[Answer]) -> list[Figure]:
    quiet = [answer.seconds for answer in idle]
    busy = [answer.seconds for answer in beside]
    ratio = p95(busy) / p95(quiet)
    found = faults(beside)
    return [
        Figure("edit, idle: median, p95", milliseconds(idle), data=quiet),
        Figure(
            f"edit, beside the job ({len(beside)}): median, p95",
            milliseconds(beside),
            target="p95 ≤ 60 ms",
            met=p95(busy) <= 0.06,
            data=busy,
        ),
        Figure(
            "edit, p95 beside the job / idle",
            f"× {short(ratio)}",
            target="≤ 3",
            met=ratio <= 3,
            data=ratio,
        ),
        Figure(
            "edits that failed",
            str(sum(found.values())),
            target="0",
            met=not found,
            data=found,
        ),
    ]


def request_figures(large: Run) -> list[Figure]:
    latest = max(large.mails)
    return [
        Figure(
            "bytes of the request that starts it",
            f"{large.post:,}",
            target="≤ 2,048",
            met=large.post <= 2048,
            data=large.post,
        ),
        Figure(
            f"the slowest of {len(large.mails)} password resets",
            f"{short(latest)} s",
            target="≤ 3 s",
            met=latest <= 3,
            data=latest,
        ),
        Figure("preview", f"{short(large.preview)} s", data=large.preview),
        Figure(
            "fingerprint that approval is about",
            f"{short(large.fingerprint)} s",
            data=large.fingerprint,
        ),
    ]


def faults(answers: list[Answer]) -> dict[int, int]:
    return faulty(Counter(answer.status for answer in answers))


def milliseconds(answers: list[Answer]) -> str:
    seconds = [each.seconds for each in answers]
    return f"{short(1000 * median(seconds))}, {short(1000 * p95(seconds))} ms"


def megabytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MB"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
