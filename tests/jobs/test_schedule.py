"""Schedules: written after each migrate, and run by the cluster that they belong to."""

import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule

from settings import BASE_DIR
from users.jobs.queue import task_queue
from users.jobs.queue.payload import load_functions, read_payload
from users.jobs.queue.task_queue import Scheduler
from users.jobs.schedule import TASKS, allowed_tasks, task_minutes, write_schedules

pytestmark = pytest.mark.django_db


def run_scheduler(cluster: str) -> list[tuple[str, str]]:
    """Looks for due tasks once, as a supervisor does every few seconds, and returns the queue."""
    Scheduler(cluster, task_minutes(cluster)).enqueue_due()
    rows = OrmQ.objects.order_by("id")
    return [(row.key, read_payload(row.payload).path) for row in rows]


def due(cluster: str) -> set[tuple[str, str]]:
    return {(cluster, task) for task, its_cluster in TASKS.items() if its_cluster == cluster}


@pytest.mark.parametrize("cluster", task_queue.CLUSTERS)
def test_a_cluster_queues_its_own_tasks_and_no_others(cluster):
    assert set(run_scheduler(cluster)) == due(cluster)


def test_a_task_is_queued_again_a_minute_later():
    run_scheduler(task_queue.NOTIFY)
    assert len(run_scheduler(task_queue.NOTIFY)) == len(due(task_queue.NOTIFY))
    nearly = timezone.now() + timedelta(seconds=59)
    assert not Schedule.objects.filter(cluster="notify", next_run__lt=nearly).exists()
    Schedule.objects.update(next_run=timezone.now())
    assert len(run_scheduler(task_queue.NOTIFY)) == 2 * len(due(task_queue.NOTIFY))


def test_after_a_long_stop_a_task_is_queued_once():
    Schedule.objects.update(next_run=timezone.now() - timedelta(days=2))
    assert len(run_scheduler(task_queue.NOTIFY)) == len(due(task_queue.NOTIFY))


def test_writing_the_schedules_again_changes_nothing():
    before = list(Schedule.objects.order_by("name").values())
    assert len(before) == len(TASKS)
    write_schedules()
    assert list(Schedule.objects.order_by("name").values()) == before


def test_a_schedule_that_is_no_longer_wanted_goes():
    task_queue.schedule_task("time.time", cluster=task_queue.MAIN)
    write_schedules()
    assert set(Schedule.objects.values_list("name", flat=True)) == set(TASKS)


def test_a_row_with_a_foreign_function_is_refused_with_one_line(caplog):
    row = Schedule.objects.create(name="x", func="os.system", args="'touch /tmp/owned'", minutes=1)
    scheduler = Scheduler(task_queue.MAIN, task_minutes(task_queue.MAIN))
    scheduler.enqueue_due()
    scheduler.enqueue_due()
    assert [record.getMessage() for record in caplog.records] == [
        f"Schedule {row.pk} is refused: its task is not in the list."
    ]
    assert {read_payload(task.payload).path for task in OrmQ.objects.all()} <= set(TASKS)


def test_arguments_hooks_and_options_of_a_row_are_not_read():
    options = "{'q_options': {'chain': [('os.system', ('id',))], 'hook': 'os.system'}}"
    Schedule.objects.update(hook="os.system", args="__import__('os')", kwargs=options, minutes=0)
    assert set(run_scheduler(task_queue.MAIN)) == due(task_queue.MAIN)
    payloads = list(OrmQ.objects.values_list("payload", flat=True))
    assert not any("os" in read_payload(payload).ids for payload in payloads)
    assert not any("system" in payload for payload in payloads)
    assert not Schedule.objects.filter(cluster=None, next_run__lte=timezone.now()).exists()


def test_each_task_that_the_code_queues_is_in_the_list():
    pattern = re.compile(r'"(users\.[a-z_.]*tasks\.[a-z_]+)"')
    files = (BASE_DIR / "users").rglob("*.py")
    named = {path for file in files for path in pattern.findall(file.read_text())}
    assert named == allowed_tasks()
    assert load_functions(allowed_tasks()).keys() == allowed_tasks()


def test_the_command_of_django_q2_refuses_to_start():
    with pytest.raises(CommandError, match=r"manage\.py worker"):
        call_command("qcluster")
    assert not Conf.SCHEDULER
