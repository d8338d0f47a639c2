"""Schedules: written after each migrate, and run by the cluster that they belong to."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler
from django_q.signing import SignedPackage

from users.jobs.queue import task_queue
from users.jobs.schedule import TASKS, write_schedules

pytestmark = pytest.mark.django_db


@pytest.fixture
def look(monkeypatch):
    """Runs the scheduler of a cluster once, as happens about every thirty seconds, and returns the
    tasks in the queue.
    """

    def look(cluster: str) -> list[tuple[str, str]]:
        monkeypatch.setattr(Conf, "CLUSTER_NAME", cluster)
        # The test is a transaction.
        monkeypatch.setattr("django_q.scheduler.close_old_django_connections", lambda: None)
        scheduler()
        return [
            (row.key, SignedPackage.loads(row.payload)["func"])
            for row in OrmQ.objects.order_by("id")
        ]

    return look


def due(cluster: str) -> set[tuple[str, str]]:
    return {(cluster, task) for task, its_cluster in TASKS.items() if its_cluster == cluster}


@pytest.mark.parametrize("cluster", task_queue.CLUSTERS)
def test_a_cluster_queues_its_own_tasks_and_no_others(look, cluster):
    task_queue.schedule_task("time.time", cluster=cluster)
    assert set(look(cluster)) == due(cluster) | {(cluster, "time.time")}


def test_a_task_is_queued_again_a_minute_later(look):
    look(task_queue.NOTIFY)
    assert len(look(task_queue.NOTIFY)) == len(due(task_queue.NOTIFY))
    Schedule.objects.update(next_run=timezone.now())
    assert len(look(task_queue.NOTIFY)) == 2 * len(due(task_queue.NOTIFY))


def test_after_a_long_stop_a_task_is_queued_once(look):
    Schedule.objects.update(next_run=timezone.now() - timedelta(days=2))
    assert len(look(task_queue.NOTIFY)) == len(due(task_queue.NOTIFY))


def test_writing_the_schedules_again_changes_nothing():
    before = list(Schedule.objects.order_by("name").values())
    assert len(before) == len(TASKS)
    write_schedules()
    assert list(Schedule.objects.order_by("name").values()) == before


def test_a_schedule_that_is_no_longer_wanted_goes():
    task_queue.schedule_task("time.time", cluster=task_queue.MAIN)
    write_schedules()
    assert set(Schedule.objects.values_list("name", flat=True)) == set(TASKS)
