"""Queues tasks for the clusters of workers, now or by a schedule.

A task only tells a cluster that there may be work. The work is stored in tables of our own, so a
lost task delays it until the next scheduled task and loses nothing.
"""

from datetime import timedelta

from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule
from django_q.tasks import async_task

MAIN = "main"
NOTIFY = "notify"
CLUSTERS = (MAIN, NOTIFY)


def enqueue_task(task: str, *ids: int | str, cluster: str = MAIN) -> None:
    """Queues `task`, a dotted path, with `ids` for `cluster`, in the current transaction."""
    async_task(task, *ids, q_options={"cluster": cluster, "save": False})


def schedule_task(task: str, *, cluster: str, minutes: int = 1) -> None:
    """Creates or corrects the schedule of `task`; its name is the task's path."""
    fields = {
        "func": task,
        # django-q2 keeps the schedules of its first cluster under null.
        "cluster": None if cluster == MAIN else cluster,
        "schedule_type": Schedule.MINUTES,
        "minutes": minutes,
        "repeats": -1,
    }
    first_fields = fields | {"next_run": timezone.now()}
    Schedule.objects.update_or_create(
        name=task,
        defaults=fields,
        create_defaults=first_fields,
    )


def drop_schedules_except(tasks: set[str]) -> None:
    """Deletes the schedules of tasks that no longer exist."""
    Schedule.objects.exclude(name__in=tasks).delete()


def oldest_wait(cluster: str) -> timedelta | None:
    """Returns how long the oldest waiting task of `cluster` has been due; None if no task waits."""
    due = OrmQ.objects.filter(key=cluster, lock__lte=timezone.now()).order_by("lock")
    lock = due.values_list("lock", flat=True).first()
    return timezone.now() - lock if lock else None


def forget_failures() -> None:
    """Deletes the records of failed tasks: their tracebacks hold values of variables, perhaps
    personal data. The log has the failures too.
    """
    Failure.objects.all().delete()
