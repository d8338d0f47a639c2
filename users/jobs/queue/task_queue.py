"""Queues tasks for the clusters of workers, now or by a schedule.

A task only tells a cluster that there may be work. The work is stored in tables of our own, so a
lost task delays it until the next scheduled task and loses nothing.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connections, router, transaction
from django_q.models import OrmQ, Schedule, Task

from users.database.batch_deletes import delete_in_batches
from users.database.clock import current_time, database_now
from users.jobs.queue.payload import QueuedTask, write_payload

logger = logging.getLogger(__name__)
MAIN = "main"
NOTIFY = "notify"
CLUSTERS = (MAIN, NOTIFY)


def enqueue_task(task: str, *ids: int | str, cluster: str = MAIN) -> None:
    """Queues `task`, a dotted path, with `ids` for `cluster`, in the current transaction."""
    payload = write_payload(QueuedTask(task, ids))
    OrmQ.objects.create(
        key=cluster,
        payload=payload,
        lock=database_now(),
    )


def schedule_task(task: str, *, cluster: str, minutes: int = 1) -> None:
    """Creates or corrects the schedule of `task`; its name is the task's path."""
    fields = {
        "func": task,
        # django-q2 keeps the schedules of its first cluster under null.
        "cluster": stored_cluster(cluster),
        "schedule_type": Schedule.MINUTES,
        "minutes": minutes,
        "repeats": -1,
    }
    first_fields = fields | {"next_run": database_now()}
    Schedule.objects.update_or_create(
        name=task,
        defaults=fields,
        create_defaults=first_fields,
    )


def stored_cluster(cluster: str) -> str | None:
    return None if cluster == MAIN else cluster


def drop_schedules_except(tasks: set[str]) -> None:
    """Deletes the schedules of tasks that no longer exist."""
    Schedule.objects.exclude(name__in=tasks).delete()


class Scheduler:
    """Queues the scheduled tasks of a cluster when they are due.

    Of a row of django_q_schedule it reads the name of the task and the time of the next run. The
    names that it takes and their intervals come from the code; arguments and hooks are not read.
    """

    def __init__(self, cluster: str, minutes: Mapping[str, int]):
        self.cluster = cluster
        self.minutes = minutes  # between two runs of each task
        self.refused: set[tuple[int, str]] = set()

    def enqueue_due(self) -> None:
        rows = Schedule.objects.filter(cluster=stored_cluster(self.cluster))
        due = rows.filter(next_run__lte=database_now())
        alias = router.db_for_write(Schedule)
        skip_locked = connections[alias].features.has_select_for_update_skip_locked
        with transaction.atomic(using=alias):
            # Supervisors of several machines share the schedules.
            for row in due.select_for_update(skip_locked=skip_locked).order_by("pk"):
                if row.func in self.minutes:
                    self.enqueue_row(row)
                else:
                    self.refuse_row(row)

    def enqueue_row(self, row: Schedule) -> None:
        """Queues the task once, however many runs it has missed."""
        enqueue_task(row.func, cluster=self.cluster)
        row.next_run = database_now() + timedelta(minutes=self.minutes[row.func])
        row.save(update_fields=["next_run"])

    def refuse_row(self, row: Schedule) -> None:
        """Logs the row once. It stays: it may belong to a release that is being deployed."""
        if (row.pk, row.func) not in self.refused:
            self.refused.add((row.pk, row.func))
            logger.warning("Schedule %s is refused: its task is not in the list.", row.pk)


def oldest_wait(cluster: str) -> timedelta | None:
    """Returns how long the oldest waiting task of `cluster` has been due; None if no task waits."""
    due = OrmQ.objects.filter(key=cluster, lock__lte=database_now()).order_by("lock")
    lock = due.values_list("lock", flat=True).first()
    return current_time() - lock if lock else None


def next_runs() -> dict[str, datetime]:
    """Returns the time of the next run of each schedule, by its task."""
    return dict(Schedule.objects.values_list("name", "next_run"))


def count_tasks(limit: int) -> int:
    """Returns the number of queued tasks, at most `limit`."""
    return OrmQ.objects.order_by()[:limit].count()


def delete_old_tasks(before: datetime, size: int) -> int:
    """Deletes tasks that were due before this time and that no cluster takes. Returns their number,
    at most `size`.
    """
    old = OrmQ.objects.filter(lock__lt=before).order_by("pk").values_list("pk", flat=True)
    rows = OrmQ.objects.filter(pk__in=list(old[:size]))
    return rows._raw_delete(rows.db)


def count_due(cluster: str, limit: int) -> int:
    """Returns the number of waiting tasks of `cluster`; `limit` if there are more."""
    due = OrmQ.objects.filter(key=cluster, lock__lte=database_now())
    return due[:limit].count()


def forget_results() -> None:
    """Deletes the results of tasks that earlier releases stored. They may hold personal data, and
    are pickles: none is loaded for this.
    """
    delete_in_batches(Task.objects.order_by("pk"))
