"""Expired rows go in batches, a statement each, and a row that is renewed meanwhile stays."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import Task

from users.caching import tasks as caching_tasks
from users.database import batch_deletes
from users.jobs.queue import task_queue
from users.presence.heartbeat import delete_expired
from users.presence.models import Presence
from users.sessions.models import Session
from users.sessions.tasks import clear_sessions

pytestmark = pytest.mark.django_db
EXPIRED = 5
LONG_AGO = "2020-01-01 00:00:00"


def make_session(number: int, *, old: bool) -> None:
    at = timezone.now() + timedelta(days=-1 if old else 1)
    Session.objects.create(session_key=f"key{number}", session_data="", expire_date=at)


def make_presence(number: int, *, old: bool) -> None:
    at = timezone.now() - timedelta(hours=1 if old else 0)
    Presence.objects.create(account_id=number, viewer_id=1, at=at)


def make_entry(number: int, *, old: bool) -> None:
    caches["default"].set(f"entry{number}", 1, 600)
    if old:
        run(
            f"UPDATE rollcall_cache SET expires = '{LONG_AGO}' WHERE cache_key = ':1:entry{number}'"
        )


def make_result(number: int, *, old: bool) -> None:
    if old:  # all of them are from earlier releases
        now = timezone.now()
        Task.objects.create(id=f"id{number}", name="x", func="x", started=now, stopped=now)


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@dataclass
class Kind:
    make: Callable[..., None]
    delete: Callable[[], object]
    table: str
    fresh: int = 1


KINDS = [
    Kind(make_session, clear_sessions, "users_session"),
    Kind(make_presence, delete_expired, "users_presence"),
    Kind(make_entry, caching_tasks.purge_expired, "rollcall_cache"),
    Kind(make_result, task_queue.forget_results, "django_q_task", fresh=0),
]
RENEWALS = [
    (KINDS[0], "UPDATE users_session SET expire_date = '2099-01-01 00:00:00+00:00'"),
    (KINDS[1], "UPDATE users_presence SET at = '2099-01-01 00:00:00+00:00'"),
]


def fill(kind: Kind) -> None:
    for number in range(EXPIRED):
        kind.make(number, old=True)
    kind.make(EXPIRED, old=False)


def count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("kind", KINDS, ids=[kind.table for kind in KINDS])
def test_expired_rows_go_in_batches_and_others_stay(kind, monkeypatch):
    monkeypatch.setattr(batch_deletes, "BATCH_SIZE", 2)
    monkeypatch.setattr(caching_tasks, "BATCH_SIZE", 2)
    fill(kind)
    with CaptureQueriesContext(connection) as queries:
        kind.delete()
    deletes = [each["sql"] for each in queries if each["sql"].lstrip().startswith("DELETE")]
    assert len(deletes) == 3
    assert all(kind.table in sql for sql in deletes)
    assert count(kind.table) == kind.fresh


@pytest.mark.parametrize(("kind", "renewal"), RENEWALS, ids=[kind.table for kind, _ in RENEWALS])
def test_rows_that_are_renewed_at_that_moment_stay(kind, renewal):
    def renew_first(execute, sql, params, many, context):
        if sql.startswith("DELETE"):
            context["cursor"].execute(renewal)
        return execute(sql, params, many, context)

    fill(kind)
    with connection.execute_wrapper(renew_first):
        kind.delete()
    assert count(kind.table) == EXPIRED + 1
