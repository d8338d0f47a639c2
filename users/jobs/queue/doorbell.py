"""The doorbell: tells a cluster of workers to look. The only module that imports django_q.

What has to be done is a row of ours; losing the bell delays it until the next scheduled look and
loses nothing.
"""

import logging
import time
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import uuid4

from django.utils import timezone
from django_q.conf import Conf
from django_q.models import Failure, OrmQ, Schedule
from django_q.signals import post_execute_in_worker, pre_execute
from django_q.tasks import async_task

from users.jobs.queue.shutdown import StopRequest

logger = logging.getLogger(__name__)
MAIN = "main"
NOTIFY = "notify"
CLUSTERS = (MAIN, NOTIFY)


def enqueue_task(task: str, *ids: int | str, cluster: str = MAIN) -> None:
    """Asks `cluster` to run `task` (a dotted path) with ids. Inside a transaction it takes part in
    it.
    """
    async_task(task, *ids, q_options={"cluster": cluster, "save": False})


def schedule_task(task: str, *, cluster: str, minutes: int = 1) -> None:
    """Makes or mends the schedule of `task`; its name is the task's path."""
    fields = {
        "func": task,
        "cluster": None
        if cluster == MAIN
        else cluster,  # django-q2 keeps its first cluster's schedules under null
        "schedule_type": Schedule.MINUTES,
        "minutes": minutes,
        "repeats": -1,
    }
    Schedule.objects.update_or_create(
        name=task, defaults=fields, create_defaults=fields | {"next_run": timezone.now()}
    )


def drop_schedules_except(tasks: set[str]) -> None:
    Schedule.objects.exclude(name__in=tasks).delete()


def oldest_wait(cluster: str) -> timedelta | None:
    """How long the oldest ring of `cluster` has been due and not taken; None if there is none."""
    lock = (
        OrmQ.objects.filter(key=cluster, lock__lte=timezone.now())
        .order_by("lock")
        .values_list("lock", flat=True)
        .first()
    )
    return timezone.now() - lock if lock else None


def forget_failures() -> None:
    """Drops what the queue keeps of tasks that failed: tracebacks with whatever values were at
    hand. The log has them too.
    """
    Failure.objects.all().delete()


def run_cluster(name: str, stop: StopRequest, pulse: Any) -> None:
    """Takes and runs the rings of `name` until `stop` is asked for, in a process that leads a
    process group of its own.

    `pulse` (a shared double, seconds of the monotonic clock) is the time up to which silence is in
    order: a task that begins sets it to the end of the time that a task may take, one that ends to
    now. So as long as it lies in the past, a worker is free, and a ring that is not taken means
    that the cluster is stuck.
    """
    from django_q.cluster import Sentinel  # only workers need it; the web must not pay for it

    def replace(process: Any) -> None:
        """A process that ended in order is replaced. One that died may hold a lock of the queues
        that all of them share.
        """
        process.join(5)
        if process.exitcode != 0:
            logger.error(
                "Cluster %s: a process died (exit code %s), so all of it ends.",
                name,
                process.exitcode,
            )
            stop.at_once()
        reincarnate(process)

    Conf.CLUSTER_NAME = (
        name  # its queue; Conf.PREFIX stays the same for all, since it goes into the signatures
    )
    keep_pulse(pulse)
    sentinel = Sentinel(stop, Event(), uuid4(), start=False)
    reincarnate = sentinel.reincarnate
    sentinel.reincarnate = replace
    stop.listen()  # after Sentinel, which sets handlers of its own
    sentinel.start()


def keep_pulse(pulse: Any) -> None:
    def begin(**_: object) -> None:
        pulse.value = time.monotonic() + Conf.TIMEOUT

    def end(**_: object) -> None:
        pulse.value = time.monotonic()

    pre_execute.connect(begin, weak=False)
    post_execute_in_worker.connect(end, weak=False)
