"""Two processes of a cluster: one brings tasks from the table of the queue to the workers, one
settles what came of them. They stand in for django-q2's pusher and monitor, which read pickles of
the database.

Results are stored nowhere. Between the processes of a cluster go pickles, through pipes that nobody
else can write to.
"""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.db import DatabaseError
from django.utils import timezone
from django_q.brokers import Broker
from django_q.conf import Conf
from django_q.models import OrmQ

from users.database.clock import database_now
from users.jobs.queue.payload import QueuedTask, RefusedTaskError, read_payload, write_payload
from users.jobs.scheduled_runs import record_run

logger = logging.getLogger(__name__)
# After an error of the database.
PAUSE_SECONDS = 10
# Until a task that this release does not know is given out again.
UNKNOWN_TASK_PAUSE = timedelta(minutes=1)


def push_tasks(
    tasks: Any, stopped: Any, broker: Broker, functions: Mapping[str, Callable[..., object]]
) -> None:
    """Moves tasks of `functions` from the table to the workers, until `stopped` is set."""
    while not stopped.is_set():
        try:
            taken = take_tasks(broker)
        except DatabaseError:
            logger.exception("No task could be read.")
            time.sleep(PAUSE_SECONDS)
            return
        for row_id, payload in taken:
            try:
                tasks.put(task_package(row_id, payload, functions))
            except UnknownTaskError as unknown:
                leave_task(row_id, unknown.task, broker)
            except RefusedTaskError as refusal:
                logger.warning("Queued task %s is refused: %s.", row_id, refusal)
                broker.fail(row_id)


def take_tasks(broker: Broker) -> list[tuple[int, str]]:
    """Locks tasks that are due, and returns their rows and payloads. Waits a moment if there are
    none. The broker would compare with the clock of this host.
    """
    queue = broker.get_connection()
    due = queue.filter(key=broker.list_key, lock__lt=database_now())[: Conf.BULK]
    until = database_now() + timedelta(seconds=Conf.RETRY)
    # Another cluster may have been faster.
    taken = [row for row in due if queue.filter(pk=row.pk, lock=row.lock).update(lock=until)]
    if not taken:
        time.sleep(Conf.POLL)
    return [(row.pk, row.payload) for row in taken]


class UnknownTaskError(RefusedTaskError):
    """The task is not in the list. It may be of the release that is being deployed."""

    def __init__(self, task: QueuedTask):
        super().__init__("its task is not in the list")
        self.task = task


def leave_task(row_id: int, task: QueuedTask, broker: Broker) -> None:
    """Leaves the task to another worker, or deletes it if it was given out too often."""
    if task.attempt >= Conf.MAX_ATTEMPTS:
        logger.warning("Queued task %s is refused: its task is not in the list.", row_id)
        broker.fail(row_id)
        return
    again = QueuedTask(task.path, task.ids, task.attempt + 1)
    due = database_now() + UNKNOWN_TASK_PAUSE
    OrmQ.objects.filter(pk=row_id).update(payload=write_payload(again), lock=due)


def task_package(
    row_id: int, payload: str, functions: Mapping[str, Callable[..., object]]
) -> dict[str, Any]:
    """Returns what django-q2's worker runs. Raises RefusedTaskError or UnknownTaskError."""
    task = read_payload(payload)
    if task.path not in functions:
        raise UnknownTaskError(task)
    return {
        "id": str(row_id),
        "name": task.path,
        "func": functions[task.path],
        "args": task.ids,
        "kwargs": {},
        "started": timezone.now(),
        "ack_id": row_id,
        "queued": task,
    }


def settle_results(results: Any, broker: Broker) -> None:
    """Deletes tasks that are done, until the queue says "STOP"."""
    for package in iter(results.get, "STOP"):
        try:
            settle_result(package, broker)
        except DatabaseError:
            # The task is given out again, and finds its work done.
            logger.exception("Task %s could not be settled.", package["name"])


def settle_result(package: dict[str, Any], broker: Broker) -> None:
    """Deletes a task that is done or has failed too often. Another stays, and is given out again
    when its lock ends.
    """
    task: QueuedTask = package["queued"]
    row_id = package["ack_id"]
    if not package["success"]:
        # The worker has logged the exception, except for a task past its time limit.
        logger.error("Task %s failed, attempt %s.", task.path, task.attempt)
    if package["success"] or task.attempt >= Conf.MAX_ATTEMPTS:
        broker.acknowledge(row_id)
    else:
        again = QueuedTask(task.path, task.ids, task.attempt + 1)
        OrmQ.objects.filter(pk=row_id).update(payload=write_payload(again))
    record_run(package)
