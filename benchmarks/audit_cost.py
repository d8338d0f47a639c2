"""Measures what audit events cost: a change with and without its event, and with the triggers that
look for changes without one.

    python -m benchmarks.audit_cost [--accounts 9000] [--edits 50] [--jobs 7]

It fills a database of its own on a new PostgreSQL server, which it removes afterwards. The variants
take turns. A bulk job suspends all accounts; a single edit is a transaction of its own.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from benchmarks.campaign import cpu_seconds
from benchmarks.server import run_postgresql

ROOT = Path(__file__).parent.parent
# By variant: whether events are written, and whether the triggers are installed.
VARIANTS = {
    "without event": (False, False),
    "with event": (True, False),
    "with event and triggers": (True, True),
}
# Turns of single edits, each after some that warm up.
TURNS = 20
WARM_UP = 10
REASON = "Benchmark"
EVENTS_OF_CHUNK = re.compile(r"new_events AS \(.*?\n    \),\n", re.DOTALL)
REACTIVATE = """UPDATE users_user SET status = 'active', status_reason = '', suspended_until = NULL
    WHERE status = 'suspended'"""
# Seconds, and seconds of CPU.
Cost = tuple[float, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=9_000)
    parser.add_argument("--edits", type=int, default=50, help="in each turn")
    parser.add_argument("--jobs", type=int, default=7, help="of each variant")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rollcall-audit-") as folder:
        os.chmod(folder, 0o755)  # PostgreSQL runs as another user
        with run_postgresql(Path(folder) / "postgresql") as url:
            set_environment(url, folder)
            for command in (["migrate"], ["createcachetable"]):
                run_manage(*command)
            run_manage("seed", "--accounts", str(options.accounts))
            set_up_django()
            measure_edits(options.edits)
            measure_jobs(options.accounts, options.jobs)
            measure_outside()


def set_environment(url: str, folder: str) -> None:
    os.environ |= {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "settings",
        "SECRET_KEY": "0123456789abcdef" * 4,
        "ALLOWED_HOSTS": "localhost",
        "SITE_URL": "http://localhost:8000",
        "VAR_DIR": f"{folder}/var",
        "BULK_APPROVAL_ABOVE": str(10**12),
        "BULK_APPROVAL_SHARE": "100",
        "LOG_LEVEL": "WARNING",
    }


def run_manage(*arguments: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def set_up_django() -> None:
    import django

    sys.path.insert(0, str(ROOT / "site"))
    django.setup()


@contextmanager
def variant(name: str) -> Iterator[None]:
    """Leaves events out for the block, and installs or drops the triggers."""
    from django.conf import settings
    from django.db import connection

    from users.bulk import postgresql_chunk
    from users.database.outside_triggers import install_outside_triggers

    with_events, settings.RECORD_OUTSIDE_CHANGES = VARIANTS[name]
    install_outside_triggers(connection)
    with ExitStack() as stack:
        if not with_events:
            statement = EVENTS_OF_CHUNK.sub("", postgresql_chunk.CHUNK_SQL)
            stack.enter_context(patch("users.verbs.transaction.record_event"))
            stack.enter_context(patch.object(postgresql_chunk, "CHUNK_SQL", statement))
            stack.enter_context(
                patch.object(postgresql_chunk, "event_column_values", lambda *args: ({}, []))
            )
        yield


def measure_edits(number: int) -> None:
    """Prints the cost of an edit of one field, by the verb alone and by a request."""
    from users.models import User
    from users.verbs.profile.verb import edit_profile

    with variant("with event"):  # without the triggers, since this has no event
        root = User.objects.create_superuser("bench", "bench@example.com", None)
    accounts = list(User.objects.filter(is_staff=False, status="active").order_by("pk")[:number])
    send = signed_in_client(root).post

    def edit_by_verb(account: Any, phone: str) -> None:
        edit_profile(account, by=root, version=None, phone=phone)

    def edit_by_request(account: Any, phone: str) -> None:
        response = send(
            f"/users/{account.pk}/edit/phone/", {"phone": phone, "version": account.version}
        )
        assert response.status_code == 302, response.status_code
        response.client.cookies.pop("messages")

    for title, edit in (("an edit", edit_by_verb), ("a request that edits", edit_by_request)):
        measure_edits_by(title, edit, accounts)


def signed_in_client(root: Any) -> Any:
    from django.conf import settings
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    client.force_login(root, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def measure_edits_by(title: str, edit: Callable[[Any, str], None], accounts: list[Any]) -> None:
    """Prints the cost of edits of one field, by variant."""
    costs: dict[str, list[Cost]] = defaultdict(list)
    numbers = count(100_000_000)
    for _ in range(TURNS):
        for name in VARIANTS:
            with variant(name):
                time_edits(edit, accounts[:WARM_UP], numbers)
                cost = time_edits(edit, accounts, numbers)
            costs[name].append((cost[0] / len(accounts), cost[1] / len(accounts)))
    print_costs(f"{title}, of {TURNS} × {len(accounts):,}", costs, unit="ms", factor=1000)


def time_edits(
    edit: Callable[[Any, str], None], accounts: list[Any], numbers: Iterator[int]
) -> Cost:
    """Returns the cost of edits that give each account a new phone number."""
    for account in accounts:
        account.refresh_from_db()
    busy, began = cpu_seconds(), time.perf_counter()
    for account in accounts:
        edit(account, f"+43{next(numbers)}")
    return time.perf_counter() - began, cpu_seconds() - busy


def measure_jobs(number: int, rounds: int) -> None:
    """Prints the cost of a job that suspends all accounts, by variant."""
    costs: dict[str, list[Cost]] = defaultdict(list)
    for _ in range(rounds):
        for name in VARIANTS:
            with variant(name):
                costs[name].append(suspend_all(with_events=VARIANTS[name][0]))
            reactivate_all()
    print_costs(f"a job for {number:,} accounts, of {rounds}", costs, unit="s", factor=1)


def suspend_all(*, with_events: bool) -> Cost:
    """Runs a job, and checks that it has written an event for each account, or none."""
    from users.audit.models import AuditEvent
    from users.jobs import engine, worker
    from users.models import User

    newest = User.objects.latest("pk").pk
    root = User.objects.get(username="bench")
    fields = {"selection": "all=1", "up_to": newest, "words": "all accounts"}
    job = engine.start_job("suspend", by=root, reason=REASON, **fields)
    busy, began = cpu_seconds(), time.perf_counter()
    while worker.work_time_slice() is not None:
        pass
    cost = time.perf_counter() - began, cpu_seconds() - busy
    job.refresh_from_db()
    events = AuditEvent.objects.filter(job_id=job.pk, action="account.suspended").count()
    assert job.state == "done", (job.state, job.note)
    assert events == (job.changed if with_events else 0), (events, job.changed)
    assert not AuditEvent.objects.filter(action="account.changed_outside").exists()
    return cost


def measure_outside() -> None:
    """Prints the cost of an UPDATE of all accounts from outside, without and with the triggers."""
    from django.db import connection

    from users.audit.models import AuditEvent

    for name in ("with event", "with event and triggers"):
        with variant(name), connection.cursor() as cursor:
            began = time.perf_counter()
            cursor.execute("UPDATE users_user SET locale = 'pt-BR' || length(locale)")
            seconds = time.perf_counter() - began
            changed = cursor.rowcount
        events = AuditEvent.objects.filter(action="account.changed_outside").count()
        print(f"outside, {name}: {changed:,} accounts in {seconds:.2f} s, {events:,} events")
        reactivate_all()


def reactivate_all() -> None:
    from django.conf import settings
    from django.db import connection

    from users.database.outside_triggers import install_outside_triggers

    settings.RECORD_OUTSIDE_CHANGES = False
    install_outside_triggers(connection)
    with connection.cursor() as cursor:
        for statement in (REACTIVATE, "VACUUM (ANALYZE)", "CHECKPOINT"):
            cursor.execute(statement)


def print_costs(title: str, costs: dict[str, list[Cost]], *, unit: str, factor: int) -> None:
    print(f"{title}: median time, time of CPU")
    bases = [median(each) for each in zip(*costs["without event"], strict=True)]
    for name, found in costs.items():
        medians = [median(each) for each in zip(*found, strict=True)]
        figures = [f"{factor * value:.2f} {unit}" for value in medians]
        shares = [f"× {value / base:.2f}" for value, base in zip(medians, bases, strict=True)]
        print(f"  {name}: {', '.join(figures)} ({', '.join(shares)})")


if __name__ == "__main__":
    main()
