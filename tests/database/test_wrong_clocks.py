"""Two hosts whose clocks are two hours ahead and two hours behind (libfaketime), each with a web
process and a worker on the same database: the database's clock decides.
"""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from tests.builders import PASSWORD, make_superuser
from tests.database.outage import collect_static, signed_in, web_process
from tests.jobs.killing import hasty
from tests.jobs.kinds import assert_each_exactly_once, start
from tests.jobs.test_killed import ended, make_accounts
from tests.processes import until
from tests.signin.test_served import make_person
from tests.visitor import Visitor
from users.audit.models import AuditEvent, ChainHead
from users.jobs import engine
from users.jobs.models import Job, JobLine
from users.models import User
from users.sessions.models import Session

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.long,
]
LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
MISSING = "needs libfaketime: apt-get install faketime"
HOURS = ("+2h", "-2h")
SLACK = timedelta(minutes=1)


def wrong_clock(hours: str) -> dict[str, str]:
    """Returns the variables that give a process and its children a wrong clock."""
    return {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME": hours,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        # gunicorn compares the times of a file with the monotonic clock.
        "NO_FAKE_STAT": "1",
        "PYTHONPATH": str(Path(__file__).with_name("wrong_clock")),
    }


@pytest.fixture(scope="module")
def ports(tmp_path_factory, django_db_setup) -> Iterator[list[str]]:
    """Yields the ports of the two web processes."""
    if LIBRARY is None:
        # With CI=true a skip is a failure (tests/plugins/summary.py).
        pytest.skip(MISSING)
    folder = tmp_path_factory.mktemp("var")
    collect_static(folder)
    same = {"DEBUG": "0", "VAR_DIR": str(folder), "STATEMENT_TIMEOUT_MS": "60000"}
    same |= {"REDIS_URL": os.environ["REDIS_URL"]}
    with ExitStack() as stack:
        found = []
        for hours in HOURS:
            changes = same | wrong_clock(hours)
            _, port = stack.enter_context(web_process(folder, threads=2, **changes))
            found.append(port)
        yield found


def database_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def ids_listed(visitor: Visitor, status: str) -> set[int]:
    response, page = visitor.ask(f"/users/?status={status}")
    assert response.status == 200
    return {int(pk) for pk in re.findall(r'href="/users/(\d+)/"', page)}


def suspended_until(at: datetime) -> User:
    account = make_person()
    User.objects.filter(pk=account.pk).update(
        status="suspended", status_reason="A test", suspended_until=at
    )
    return account


def test_a_suspension_ends_when_it_does_and_no_cached_page_outlives_it(ports):
    root = make_superuser()
    visitors = [signed_in(port, root) for port in ports]
    now = database_time()
    past = suspended_until(now - timedelta(hours=1))
    later = suspended_until(now + timedelta(hours=1))
    for visitor in visitors * 2:  # from the cache, too
        assert ids_listed(visitor, "suspended") == {later.pk}
        assert ids_listed(visitor, "active") == {past.pk, root.pk}
        for account, state in ((past, "Active"), (later, "Suspended")):
            assert f">{state}</span>" in visitor.ask(f"/users/{account.pk}/")[1]
    for port in ports:
        answer = Visitor(port, "localhost").sign_in(later.username, PASSWORD)[0]
        assert answer.headers["Location"] == "/inactive/"
    soon = suspended_until(end := database_time() + timedelta(seconds=3))
    seen = [ids_listed(visitor, "suspended") for visitor in visitors]
    assert database_time() >= end or seen == [{soon.pk, later.pk}] * 2
    until(lambda: database_time() > end)
    assert [ids_listed(visitor, "suspended") for visitor in visitors] == [{later.pk}] * 2
    later.refresh_from_db()
    assert (later.status, later.suspended_until) == ("suspended", now + timedelta(hours=1))


def test_sessions_and_throttles_have_one_time(ports):
    person = make_person()
    other = make_person()
    for port in ports:
        visitor = Visitor(port, "localhost")
        assert visitor.sign_in(person.username, PASSWORD)[0].headers["Location"] == "/users/"
        session = Session.objects.get(session_key=visitor.cookies["session"].value)
        lasts = session.expire_date - database_time()
        idle = timedelta(minutes=settings.SESSION_IDLE_MINUTES)
        assert idle - SLACK < lasts < idle + SLACK
        for hours, status in ((1, 200), (-1, 302)):
            at = database_time() + timedelta(hours=hours)
            Session.objects.filter(pk=session.pk).update(expire_date=at)
            key = visitor.cookies["session"].value
            for host in ports:
                guest = Visitor(host, "localhost")
                guest.cookies["session"] = key
                assert guest.ask("/users/")[0].status == status, (port, host, hours)
    wrong = [ports[number % 2] for number in range(5)]
    for port in wrong:
        assert Visitor(port, "localhost").sign_in(other.username, "wrong")[0].status == 422
    for port in ports:
        assert Visitor(port, "localhost").sign_in(other.username, PASSWORD)[0].status != 302


def test_workers_take_no_lease_twice_seal_everything_and_keep_the_schedules(ports, tmp_path):
    root = make_superuser()
    make_accounts(500)
    job = start(root)
    paused = start(root, phone="2")
    engine.pause_job(paused, by=root)
    ahead, behind = (wrong_clock(hours) for hours in HOURS)
    with hasty(tmp_path, LEASE="600", **ahead), hasty(tmp_path, LEASE="600", **behind):
        until(lambda: ended(job))
        run_schedules()
        engine.resume_job(paused, by=root)
        until(lambda: ended(paused))
        run_schedules()
    assert job.changed == 501
    assert_each_exactly_once(paused, changed=501)
    assert not JobLine.objects.filter(code="worker_lost").exists()
    assert not Job.objects.filter(crashes__gt=0).exists()
    now = database_time()
    assert abs(ChainHead.objects.get().sealed_until - now) < SLACK
    assert not Schedule.objects.filter(next_run__gt=now + timedelta(days=1, minutes=1)).exists()
    assert not OrmQ.objects.filter(lock__gt=now + timedelta(hours=1)).exists()
    call_command("audit_verify")
    for port, words in zip(ports, ("ahead of", "behind"), strict=True):
        found = Visitor(port, "localhost").ask("/readyz")[1]
        assert re.search(f"this host is 7[12][0-9]+ seconds {words} the database", found)


def run_schedules() -> None:
    """Returns when all events are sealed, by tasks that are due now."""
    Schedule.objects.update(next_run=timezone.now())
    until(lambda: not AuditEvent.objects.filter(chain_position=None).exists())
