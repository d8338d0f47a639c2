"""`manage.py worker` with real processes: tasks run, what dies is replaced, and stopping leaves
nothing behind.
"""

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.signing import SignedPackage

from tests.builders import make_user
from tests.database.outage import frozen_server, other_connections
from tests.processes import ROOT, Running, alive, running_fork, until
from users.jobs.models import WorkerBeat
from users.jobs.queue import task_queue
from users.jobs.queue.payload import read_payload
from users.jobs.queue.shutdown import GRACE_SECONDS
from users.mail import outbox
from users.mail.models import Message

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]  # as in production
# Loads Django once for all tests of this file: see tests/forks.py.
LOADED = f"""
import sys; sys.path.insert(0, {str(ROOT / "site")!r})
import django; django.setup()
from django.core.management import execute_from_command_line
from tests.forks import take_orders
from users.jobs import schedule
from users.jobs.queue import supervisor, task_queue
from users.management.commands import worker
supervisor.preload_modules()
"""
COMMAND = f"""{LOADED}
take_orders()
execute_from_command_line(["manage.py", "worker"])
"""
# Seconds; long enough for a slow machine.
SILENCE = 6
# Tests queue a task that sleeps.
PATIENT = f"""{LOADED}
schedule.ON_DEMAND.add("time.sleep")
take_orders()
"""
PATIENT_RUN = f"{PATIENT}supervisor.Supervisor(task_queue.CLUSTERS).run()"
HASTY = f"""{PATIENT}
supervisor.BEAT_SECONDS = 1
supervisor.SILENCE_SECONDS = {SILENCE}
supervisor.Supervisor(task_queue.CLUSTERS).run()
"""


@contextmanager
def answering(code: str, folder) -> Iterator[Running]:
    command = [sys.executable, "-c", code]
    with running_fork(command, folder, DJANGO_SETTINGS_MODULE="settings") as worker:
        until(lambda: answers(worker))
        yield worker


@pytest.fixture
def worker(tmp_path):
    with answering(COMMAND, tmp_path) as worker:
        yield worker


@pytest.fixture
def patient(tmp_path):
    with answering(PATIENT_RUN, tmp_path) as worker:
        yield worker


@pytest.fixture
def hasty(tmp_path):
    with answering(HASTY, tmp_path) as worker:
        yield worker


def answers(worker) -> bool:
    assert worker.process.poll() is None, worker.said()
    return WorkerBeat.objects.count() == 2


def leader(worker, cluster: str) -> int:
    """The id of the cluster's first process, as it is now."""
    return int(re.findall(rf"Cluster {cluster} started \(process (\d+)\)", worker.said())[-1])


def task_process(worker, cluster: str) -> psutil.Process:
    """The process that runs tasks: it is forked before those that move tasks and results."""
    return min(
        psutil.Process(leader(worker, cluster)).children(),
        key=lambda child: (child.create_time(), child.pid),
    )


def beats_after(moment, *clusters: str) -> bool:
    return WorkerBeat.objects.filter(at__gt=moment, cluster__in=clusters).count() == len(clusters)


def queued_tasks(task: str = "time.sleep") -> list[OrmQ]:
    """The tasks that have not been acknowledged."""
    return [row for row in OrmQ.objects.all() if read_payload(row.payload).path == task]


def sleeps() -> bool:
    """True if a task of time.sleep has been taken: its row is locked for the time after which it is
    given out again.
    """
    return any(row.lock > timezone.now() for row in queued_tasks())


def stopped_idle(process: psutil.Process) -> bool:
    """Stops the process, unless it runs a task just now, which is given two minutes."""
    process.suspend()
    if OrmQ.objects.filter(key=task_queue.MAIN).exists():
        process.resume()
        return False
    return True


def all_gone(worker) -> bool:
    return not worker.tree()


def test_a_message_in_the_outbox_is_sent(worker):
    message = outbox.post_message(Message.Kind.PASSWORD_RESET, make_user(username="ada"))
    until(lambda: Message.objects.get(pk=message.pk).state == Message.State.SENT)
    assert any("ada@example.com" in mail.read_text() for mail in settings.MAIL_DIR.glob("*.eml"))


def test_rows_of_an_intruder_run_nothing(worker, tmp_path):
    """Whoever can write to the tables of the queue has no way to code."""
    file = tmp_path / "owned"
    command = f"touch {file}"
    now = timezone.now()
    options = f"{{'q_options': {{'hook': 'os.system', 'chain': [('os.system', ('{command}',))]}}}}"
    row = Schedule.objects.create(
        name="x", func="os.system", args=f"'{command}'", kwargs=options, minutes=1, next_run=now
    )
    signed = SignedPackage.dumps(
        {"id": "x", "name": "x", "func": os.system, "args": (command,), "kwargs": {}}
    )
    # Given out before to workers of another release, which did not know it either.
    plain = json.dumps({"task": "os.system", "ids": [command], "attempt": 3})
    for payload in (signed, plain):
        OrmQ.objects.create(key=task_queue.MAIN, payload=payload, lock=now)
    until(lambda: worker.said().count("is refused") == 3)
    moment = timezone.now()
    until(lambda: beats_after(moment, *task_queue.CLUSTERS))
    assert worker.said().count(f"Schedule {row.pk} is refused") == 1
    assert worker.said().count("is refused") == 3
    assert not file.exists()


def test_tasks_that_run_are_finished_when_every_process_gets_the_signal(patient):
    """Platforms send SIGTERM to all processes at once, and not to the first one alone."""
    task_queue.enqueue_task("time.sleep", 3, cluster=task_queue.MAIN)
    until(sleeps)
    for process in patient.tree():
        process.send_signal(signal.SIGTERM)
    assert patient.process.wait(120) == 0
    assert all_gone(patient)
    # Acknowledged, and not merely taken.
    assert not queued_tasks()


def test_a_second_signal_does_not_wait_for_tasks(patient):
    task_queue.enqueue_task("time.sleep", 100, cluster=task_queue.MAIN)
    until(sleeps)
    patient.tree()
    patient.process.send_signal(signal.SIGTERM)
    until(lambda: "Stopping" in patient.said())
    assert patient.stop(signal.SIGTERM, seconds=GRACE_SECONDS - 2) == 0
    until(lambda: all_gone(patient))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_leaves_no_process(worker, number):
    # The supervisor, and in each cluster: guard, worker, monitor, pusher. Each opens at most one
    # connection: the formula in docs/scaling.md.
    assert len(worker.tree()) == 9
    assert 5 <= other_connections() <= 9
    assert worker.stop(number) == 0
    assert all_gone(worker)


def test_clusters_end_when_the_supervisor_is_killed(worker):
    assert worker.stop(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: all_gone(worker))


def test_nothing_outlives_a_cluster_and_its_supervisor_that_are_killed_together(worker):
    assert len(worker.tree()) == 9
    # So that it does not replace the cluster before it dies itself.
    worker.process.send_signal(signal.SIGSTOP)
    psutil.Process(leader(worker, task_queue.MAIN)).kill()
    assert worker.stop(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: all_gone(worker), 30)


def test_an_idle_process_that_is_killed_does_not_wedge_its_cluster(worker):
    """django-q2 would go on, look well and take no task for ever: the dead process holds the lock
    of the queue.
    """
    before = leader(worker, task_queue.MAIN)
    task_process(worker, task_queue.MAIN).kill()
    moment = timezone.now()
    until(lambda: beats_after(moment, task_queue.MAIN), 35)
    assert leader(worker, task_queue.MAIN) != before
    assert not psutil.pid_exists(before)


def test_a_cluster_whose_first_process_is_killed_is_replaced(worker):
    before = psutil.Process(leader(worker, task_queue.NOTIFY))
    orphans = before.children()
    before.kill()
    until(lambda: leader(worker, task_queue.NOTIFY) != before.pid)
    assert len(orphans) == 3
    until(lambda: not any(alive(process) for process in orphans))


def test_a_cluster_that_is_silent_is_replaced(hasty):
    before = leader(hasty, task_queue.MAIN)
    other = leader(hasty, task_queue.NOTIFY)
    until(lambda: stopped_idle(task_process(hasty, task_queue.MAIN)))
    until(lambda: leader(hasty, task_queue.MAIN) != before)
    assert f"Cluster main has not answered for {SILENCE} s" in hasty.said()
    moment = timezone.now()
    until(lambda: beats_after(moment, task_queue.MAIN))
    assert leader(hasty, task_queue.NOTIFY) == other


@pytest.mark.long(15)
def test_a_cluster_that_is_busy_is_left_alone(hasty):
    before = leader(hasty, task_queue.MAIN)
    task_queue.enqueue_task("time.sleep", 2 * SILENCE, cluster=task_queue.MAIN)
    until(sleeps)
    until(lambda: not queued_tasks())
    moment = timezone.now()
    until(lambda: beats_after(moment, task_queue.MAIN))
    assert leader(hasty, task_queue.MAIN) == before


def test_a_worker_stops_in_time_while_the_database_hangs(worker):
    with frozen_server():
        # Until the supervisor and its clusters wait for an answer.
        until(lambda: "The database is not reachable" in worker.said(), 30)
        assert worker.stop(seconds=GRACE_SECONDS + 10) == 0
        assert all_gone(worker)


def test_the_supervisor_outlives_a_database_that_is_away(hasty):
    name = connection.settings_dict["NAME"]
    connection.close()
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as elsewhere:
        elsewhere.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            elsewhere.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            until(lambda: "The database is not reachable" in hasty.said())
        finally:
            elsewhere.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    moment = timezone.now()
    until(lambda: beats_after(moment, task_queue.MAIN, task_queue.NOTIFY))
    assert hasty.stop() == 0
