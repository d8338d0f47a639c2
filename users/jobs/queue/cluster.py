"""The first process of one cluster of workers: django-q2's Sentinel, with a stop request, a
reaction to crashed processes and two child processes of our own.
"""

import logging
import os
import signal
import time
from collections.abc import Callable
from threading import Event
from typing import Any
from uuid import uuid4

from django.utils import timezone
from django_q.cluster import Sentinel
from django_q.conf import Conf
from django_q.signals import post_execute_in_worker, pre_execute

from users.jobs.queue.observation import observe_tasks
from users.jobs.queue.payload import load_functions
from users.jobs.queue.shutdown import StopRequest, end_group_with
from users.jobs.queue.transport import push_tasks, settle_results

logger = logging.getLogger(__name__)


class TaskSentinel(Sentinel):
    """Reads tasks and settles results without pickles of the database, and runs functions of a
    fixed list. A process that crashed ends the cluster.
    """

    def __init__(self, name: str, stop: StopRequest, functions: dict[str, Callable]):
        self.cluster_name = name
        self.functions = functions
        super().__init__(stop, Event(), uuid4(), start=False)

    def spawn_pusher(self) -> Any:
        return self.spawn_process(
            push_tasks, self.task_queue, self.event_out, self.broker, self.functions
        )

    def spawn_monitor(self) -> Any:
        return self.spawn_process(settle_results, self.result_queue, self.broker)

    def reincarnate(self, process: Any) -> None:
        """Replaces a process that exited normally. One that crashed may hold a lock of the queues
        that all processes share.
        """
        process.join(5)
        if process.exitcode != 0:
            logger.error(
                "Cluster %s: a process died (exit code %s), so all of it ends.",
                self.cluster_name,
                process.exitcode,
            )
            self.stop_event.kill_group()
        super().reincarnate(process)


def run_cluster(name: str, busy_until: Any, tasks: frozenset[str]) -> None:
    """Runs the tasks of the queue `name` until the process is asked to stop, and of these only
    `tasks`. Call it in a process of its own: it becomes the leader of a process group.

    `busy_until`, a shared double in seconds of the monotonic clock, shows the supervisor whether a
    worker is free (see track_busy_time).
    """
    # The supervisor's handler was inherited; the cluster's own is set below.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setsid()
    stop = StopRequest()
    Conf.CLUSTER_NAME = name
    track_busy_time(busy_until)
    end_group_with(os.getpid())
    sentinel = TaskSentinel(name, stop, observe_tasks(load_functions(tasks)))
    # After the creation of Sentinel, which sets its own handlers.
    stop.listen()
    sentinel.start()


def track_busy_time(busy_until: Any) -> None:
    """Keeps `busy_until` at the time until which the cluster need not take a task: the timeout of a
    task that begins, or now when a task ends. After that time a worker is free, so the cluster is
    stuck if a task still waits.
    """

    def begin(task: dict[str, Any], **_: object) -> None:
        busy_until.value = time.monotonic() + Conf.TIMEOUT
        # Until now it waited for a free worker.
        task["started"] = timezone.now()

    def end(**_: object) -> None:
        busy_until.value = time.monotonic()

    pre_execute.connect(begin, weak=False)
    post_execute_in_worker.connect(end, weak=False)
