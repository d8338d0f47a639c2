"""The first process of one cluster of workers: django-q2's Sentinel, with a stop request and a
reaction to crashed processes of our own.
"""

import logging
import os
import signal
import time
from threading import Event
from typing import Any
from uuid import uuid4

from django_q.cluster import Sentinel
from django_q.conf import Conf
from django_q.signals import post_execute_in_worker, pre_execute

from users.jobs.queue.shutdown import StopRequest, end_group_with

logger = logging.getLogger(__name__)


def run_cluster(name: str, busy_until: Any) -> None:
    """Runs the tasks of the queue `name` until the process is asked to stop. Call it in a process
    of its own: it becomes the leader of a process group.

    `busy_until`, a shared double in seconds of the monotonic clock, shows the supervisor whether a
    worker is free (see track_busy_time).
    """
    # The supervisor's handler was inherited; the cluster's own is set below.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setsid()
    stop = StopRequest()
    # The name of the queue. Conf.PREFIX is the same for all clusters, since it signs the tasks.
    Conf.CLUSTER_NAME = name
    track_busy_time(busy_until)
    end_group_with(os.getpid())
    sentinel = Sentinel(stop, Event(), uuid4(), start=False)
    end_cluster_on_crash(sentinel, name, stop)
    # After the creation of Sentinel, which sets its own handlers.
    stop.listen()
    sentinel.start()


def track_busy_time(busy_until: Any) -> None:
    """Keeps `busy_until` at the time until which the cluster need not take a task: the timeout of a
    task that begins, or now when a task ends. After that time a worker is free, so the cluster is
    stuck if a task still waits.
    """

    def begin(**_: object) -> None:
        busy_until.value = time.monotonic() + Conf.TIMEOUT

    def end(**_: object) -> None:
        busy_until.value = time.monotonic()

    pre_execute.connect(begin, weak=False)
    post_execute_in_worker.connect(end, weak=False)


def end_cluster_on_crash(sentinel: Sentinel, name: str, stop: StopRequest) -> None:
    """Patches `sentinel`: a process that exited normally is replaced, but one that crashed ends the
    cluster, because it may hold a lock of the queues that all processes share.
    """
    reincarnate = sentinel.reincarnate

    def replace(process: Any) -> None:
        process.join(5)
        if process.exitcode != 0:
            logger.error(
                "Cluster %s: a process died (exit code %s), so all of it ends.",
                name,
                process.exitcode,
            )
            stop.kill_group()
        reincarnate(process)

    sentinel.reincarnate = replace
