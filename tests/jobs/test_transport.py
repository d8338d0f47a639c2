"""From the table of the queue to the workers and back: only listed functions pass, and no pickle of
the database is loaded.
"""

import json
import pickle
from base64 import b64encode
from datetime import timedelta
from queue import Queue
from threading import Event

import pytest
from django.db import connection
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import OrmQ, Task
from django_q.signing import SignedPackage

from tests.jobs.test_payload import Bomb
from users.jobs import tasks
from users.jobs.queue import task_queue, transport
from users.jobs.queue.payload import read_payload

pytestmark = pytest.mark.django_db
BEAT = "users.jobs.tasks.record_beat"
FUNCTIONS = {BEAT: tasks.record_beat}


class Rounds(Event):
    """A stop request that comes after a number of rounds."""

    def __init__(self, rounds: int):
        super().__init__()
        self.rounds = rounds

    def is_set(self) -> bool:
        self.rounds -= 1
        return self.rounds < 0


@pytest.fixture
def broker():
    return get_broker(task_queue.MAIN)


def push(broker, rounds: int) -> list[dict]:
    taken: Queue[dict] = Queue()
    transport.push_tasks(taken, Rounds(rounds), broker, FUNCTIONS)
    return [taken.get_nowait() for _ in range(taken.qsize())]


def settle(broker, *packages: dict) -> None:
    results: Queue = Queue()
    for package in (*packages, "STOP"):
        results.put(package)
    transport.settle_results(results, broker)


def test_a_queued_task_reaches_the_workers_as_a_function_with_its_ids(broker):
    task_queue.enqueue_task(BEAT, "main", cluster=task_queue.MAIN)
    [package] = push(broker, 1)
    assert (package["func"], package["args"], package["kwargs"]) == (
        tasks.record_beat,
        ("main",),
        {},
    )


def test_a_foreign_function_is_left_twice_then_refused_with_one_line_and_deleted(broker, caplog):
    """It may be a task of the release that is being deployed, whose workers know it."""
    text = json.dumps({"task": "os.system", "ids": ["id"], "attempt": 1})
    row = OrmQ.objects.create(key=task_queue.MAIN, payload=text, lock=timezone.now())
    for attempt in (2, 3):
        assert push(broker, 1) == []
        row.refresh_from_db()
        assert read_payload(row.payload).attempt == attempt
        assert row.lock > timezone.now() + timedelta(seconds=50)
        OrmQ.objects.update(lock=timezone.now())
    task_queue.enqueue_task(BEAT, "main", cluster=task_queue.MAIN)
    assert [package["name"] for package in push(broker, 2)] == [BEAT]
    assert [record.getMessage() for record in caplog.records] == [
        f"Queued task {row.pk} is refused: its task is not in the list."
    ]
    assert not OrmQ.objects.filter(pk=row.pk).exists()


def test_a_signed_pickle_in_the_queue_is_not_loaded(broker, tmp_path, caplog):
    """It is what earlier releases stored, and what a thief of the key could store."""
    payload = SignedPackage.dumps(Bomb(tmp_path / "owned"))
    OrmQ.objects.create(key=task_queue.MAIN, payload=payload, lock=timezone.now())
    assert push(broker, 1) == []
    assert not (tmp_path / "owned").exists()
    assert len(caplog.records) == 1
    assert not OrmQ.objects.exists()


def test_a_task_that_is_done_is_deleted_and_leaves_no_result(broker):
    task_queue.enqueue_task(BEAT, "main", cluster=task_queue.MAIN)
    [package] = push(broker, 1)
    settle(broker, package | {"success": True, "result": None})
    assert not OrmQ.objects.exists()
    assert not Task.objects.exists()


def test_a_task_that_fails_is_given_out_three_times(broker):
    task_queue.enqueue_task(BEAT, "main", cluster=task_queue.MAIN)
    for attempt in (2, 3):
        [package] = push(broker, 1)
        settle(broker, package | {"success": False, "result": "no"})
        row = OrmQ.objects.get()
        assert read_payload(row.payload).attempt == attempt
        assert row.lock > timezone.now()
        OrmQ.objects.update(lock=timezone.now())
    [package] = push(broker, 1)
    settle(broker, package | {"success": False, "result": "no"})
    assert not OrmQ.objects.exists()


def test_stored_results_are_neither_loaded_nor_kept_by_an_erasure(tmp_path, broker):
    """Earlier releases stored pickles; one row of the attacker's would be loaded with them."""
    bomb = b64encode(pickle.dumps(Bomb(tmp_path / "owned"))).decode()
    now = timezone.now()
    for success in (True, False):
        Task.objects.create(
            id=f"x{success}", name=BEAT, func=BEAT, started=now, stopped=now, success=success
        )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_q_task SET result = %s, args = %s", [bomb, bomb])
    task_queue.enqueue_task(BEAT, "main", cluster=task_queue.MAIN)
    [package] = push(broker, 1)
    settle(broker, package | {"success": True, "result": None, "id": "xTrue"})
    task_queue.forget_results()
    assert not Task.objects.exists()
    assert not (tmp_path / "owned").exists()
