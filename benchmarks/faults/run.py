"""Runs the team at a steady rate, kills one server after another, and restarts the primary at the
end.
"""

import argparse
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import psutil
import psycopg
from django.conf import settings
from django.db import close_old_connections, connection

from benchmarks.bulk_by_hand import FILTER, REASON
from benchmarks.bulk_cost import oldest_accounts
from benchmarks.faults.ledger import check_writes, job_faults
from benchmarks.faults.postgresql import restart_primary
from benchmarks.faults.report import Fault, Figures, fault_report
from benchmarks.faults.site import Frontend, Site, listens, run_site
from benchmarks.faults.supervised import Supervised
from benchmarks.faults.team import Account, Answer, Person
from benchmarks.peers import CSRF, ROLLCALL, superuser_session
from benchmarks.report import Report
from tests.processes import until
from users.audit.models import AuditEvent
from users.jobs import engine
from users.jobs.models import ENDED_STATES, Job
from users.models import User

PEOPLE = 16
ACCOUNTS_EACH = 20
# Until caches are warm, before anything is killed.
WARM_SECONDS = 20
JOB_SIZE = 1000


def measure_faults(options: argparse.Namespace, primary: str, conditions: dict[str, Any]) -> Report:
    allow_large_jobs()
    with ExitStack() as stack:
        site = stack.enter_context(run_site(primary))
        people = make_people(site, stack)
        figures = run_load(options, site, primary, people)
    more = {"people": PEOPLE, "requests a second asked for": options.rate}
    return fault_report(conditions | more, figures)


def allow_large_jobs() -> None:
    """Lets jobs begin at once: there is no second person to approve them."""
    settings.BULK_APPROVAL_ABOVE = 10**12
    settings.BULK_APPROVAL_SHARE = 100


def make_people(site: Frontend, stack: ExitStack) -> list[Person]:
    """Returns people whose accounts are active, and whom no job changes."""
    found = User.objects.filter(status="active", is_staff=False, last_seen_at__isnull=False)
    plain = found.filter(valid_until=None, username__regex=r"^[a-z0-9._-]+$")
    rows = plain.order_by("pk").values_list("pk", "username")
    accounts = [Account(pk, username) for pk, username in rows[: PEOPLE * ACCOUNTS_EACH]]
    people = []
    for number in range(PEOPLE):
        key = stack.enter_context(superuser_session(ROLLCALL))
        cookies = f"__Host-{settings.SESSION_COOKIE_NAME}={key}; "
        cookies += f"__Host-{settings.CSRF_COOKIE_NAME}={CSRF}"
        people.append(Person(site, number, cookies, accounts[number::PEOPLE]))
    return people


def run_load(
    options: argparse.Namespace, site: Site, primary: str, people: list[Person]
) -> Figures:
    newest = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
    figures = Figures()
    jobs: list[Job] = []
    begin = time.monotonic()
    with at_work(people, options.rate, figures.idle):
        figures.faults = kill_in_turn(site, options.faults * 60, jobs)
    figures.elapsed = time.monotonic() - begin
    until(lambda: all(map(has_ended, jobs)), 300)
    figures.primary = [f"restarted: {watch_restart(options, primary, people)}"]
    check_everything(figures, people, jobs, newest or 0)
    return figures


def check_everything(
    figures: Figures, people: list[Person], jobs: list[Job], last_event_before: int
) -> None:
    """Adds each person's outcomes, and the writes and job results that the database lacks."""
    accounts = []
    for person in people:
        figures.outcomes += person.outcomes
        accounts += person.accounts
    figures.writes = check_writes(accounts, last_event_before)
    for job in jobs:
        figures.job_faults += job_faults(job)


@contextmanager
def at_work(people: list[Person], rate: float, idle: list[float]) -> Iterator[None]:
    """Lets people work during the block, and adds the idle percentage of the processors."""
    stop = threading.Event()
    with ThreadPoolExecutor(len(people) + 1) as pool:
        tasks = [pool.submit(each.work, rate / len(people), stop) for each in people]
        tasks.append(pool.submit(sample_idle, idle, stop))
        try:
            yield
        finally:
            stop.set()
        for task in tasks:
            task.result()


def sample_idle(idle: list[float], stop: threading.Event) -> None:
    """Adds the idle percentage of all processors, every few seconds."""
    psutil.cpu_times_percent()
    while not stop.wait(5):
        found = psutil.cpu_times_percent()
        idle.append(found.idle + getattr(found, "iowait", 0))


# --- faults ---------------------------------------------------------------------------------------


def kill_in_turn(site: Site, seconds: float, jobs: list[Job]) -> list[Fault]:
    """Kills each server at even intervals, more than once if there is time."""
    begin = time.monotonic()
    time.sleep(WARM_SECONDS)
    kills = all_kills(site, jobs)
    rounds = 2 if seconds >= 600 else 1
    pause = (seconds - WARM_SECONDS) / (rounds * len(kills) + 1)
    faults = []
    for number in range(rounds):
        for name in kills:
            say(f"{time.monotonic() - begin:.0f} s: {name}")
            fault = kill_one(name, kills[name], number)
            faults.append(fault)
            time.sleep(max(0.0, pause - (fault.back_at - fault.killed_at)))
    time.sleep(max(0.0, begin + seconds - time.monotonic()))
    return faults


class Kill(NamedTuple):
    """Which server is killed in a round, and what else must be true when it is back."""

    choose: Callable[[int], Supervised]
    is_back: Callable[[], bool]


def kill_one(name: str, kill: Kill, number: int) -> Fault:
    """Kills a server, and returns when it was started again and is well."""
    server = kill.choose(number)
    starts = server.starts
    fault = Fault(name, time.monotonic(), 0)
    server.kill()
    until(lambda: server.starts > starts and server.process.poll() is None, 120)
    until(kill.is_back, 120)
    fault.back_at = time.monotonic()
    return fault


def all_kills(site: Site, jobs: list[Job]) -> dict[str, Kill]:
    def busy_worker(number: int) -> Supervised:
        jobs.append(start_job())
        until(lambda: has_begun(jobs[-1]), 60)
        return site.workers[number]

    return {
        "web": Kill(lambda number: site.web[number], lambda: all(map(listens, site.web_ports))),
        "worker": Kill(busy_worker, lambda: has_ended(jobs[-1])),
        "Valkey primary": Kill(lambda _: site.valkey.primary(), site.valkey.is_complete),
        "Valkey replica": Kill(lambda _: site.valkey.replica(), site.valkey.is_complete),
        "PostgreSQL replica": Kill(lambda _: site.replica, lambda: is_up(site.replica_url)),
        "PgBouncer": Kill(lambda number: site.poolers[number], lambda: True),
    }


def start_job() -> Job:
    """Starts a bulk job over the oldest accounts that were never seen."""
    by = User.objects.filter(is_superuser=True).order_by("pk").first()
    up_to, number = oldest_accounts(JOB_SIZE)
    return engine.start_job(
        "suspend",
        by=by,
        selection=f"{FILTER}&all=1",
        words="accounts never seen",
        up_to=up_to,
        expected=number,
        reason=REASON,
    )


def has_begun(job: Job) -> bool:
    job.refresh_from_db()
    close_old_connections()
    return job.selected > 0


def has_ended(job: Job) -> bool:
    job.refresh_from_db()
    return job.state in ENDED_STATES


# --- the primary ----------------------------------------------------------------------------------


def watch_restart(
    options: argparse.Namespace, primary: str, people: list[Person]
) -> dict[str, Any]:
    """Restarts the primary, and returns what people get meanwhile and at their first request after
    it.
    """
    say("PostgreSQL primary")
    connection.close()
    restart_primary(options.keep / "postgresql")
    until(lambda: not is_up(primary), 60)
    begin = time.monotonic()
    during = ask_until_up(primary, people[0])
    without_hint = [each for each in during if each.status == 503 and not each.retry_after]
    down = time.monotonic() - begin
    with ThreadPoolExecutor(PEOPLE) as pool:
        after = list(pool.map(lambda each: each.ask("GET", "/users/").status, people))
    return {
        "seconds": round(down, 1),
        "during": [answer.status for answer in during],
        "503 without Retry-After": len(without_hint),
        "first requests": after,
    }


def ask_until_up(primary: str, person: Person) -> list[Answer]:
    """Returns the answers that somebody gets until the primary accepts connections again."""
    answers = []
    while not is_up(primary):
        answers.append(person.ask("GET", "/users/"))
    return answers


def is_up(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
