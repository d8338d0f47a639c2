"""Keeps the clusters of workers running: starts them, and replaces one that has ended or no longer
answers.

A cluster of django-q2 can be stuck although all its processes are alive, so the only proof of life
is a task that ran: every few seconds each cluster gets a beat task, which writes a WorkerBeat row.
"""

import gc
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from multiprocessing import connection
from multiprocessing.context import ForkProcess
from types import FrameType

from django.db import DatabaseError, connections
from django.urls import reverse

from users.database.local_settings import answer_within
from users.jobs.models import WorkerBeat
from users.jobs.queue import task_queue
from users.jobs.queue.cluster import run_cluster
from users.jobs.queue.payload import load_functions
from users.jobs.queue.shutdown import GRACE_SECONDS
from users.jobs.queue.task_queue import Scheduler
from users.jobs.schedule import BEAT_TASK, allowed_tasks, task_minutes

logger = logging.getLogger(__name__)

TICK_SECONDS = 1  # between two checks of the processes
BEAT_SECONDS = 5  # between two beats
ANSWER_SECONDS = 5  # for which a hanging database may hold the supervisor, which must be stoppable
SILENCE_SECONDS = 20  # for which a beat may wait although a worker is free
BEAT_LOST_SECONDS = 60  # after which an unanswered beat is queued again
RESTART_PAUSE_MAX = 30  # seconds between two starts of a cluster that ends at once
SHORT_LIFE_SECONDS = 60  # a cluster that ends sooner counts as one that ends at once
fork_context = multiprocessing.get_context("fork")


class Cluster:
    """The supervisor's side of one cluster: its first process, and the beat last sent to it."""

    def __init__(self, name: str):
        self.name = name
        self.scheduler = Scheduler(name, task_minutes(name))
        self.process: ForkProcess | None = None
        self.busy_until = fork_context.RawValue("d", 0.0)
        # A beat is queued and not answered yet. `last_beat`: the one that was answered before it,
        # by the database's clock.
        self.is_beat_pending = False
        self.last_beat: datetime | None = None
        # Seconds of the monotonic clock.
        self.beat_queued_at = 0.0
        self.checked_at = 0.0
        self.resumed_at = 0.0
        self.started_at = 0.0
        self.start_due = 0.0
        self.short_lives = 0

    def check(self) -> None:
        """Starts, replaces or sends a beat to the cluster, whichever is due."""
        now = time.monotonic()
        if now > self.checked_at + SILENCE_SECONDS / 2:
            # The supervisor itself was suspended, so there may be an unread answer.
            self.resumed_at = now
        self.checked_at = now
        if self.process is None:
            if now >= self.start_due:
                self.start()
        elif not self.process.is_alive():
            exit_code = self.process.exitcode
            logger.warning("Cluster %s ended (exit code %s) and is replaced.", self.name, exit_code)
            self.replace()
        elif self.is_silent(now):
            logger.error(
                "Cluster %s has not answered for %s s and is replaced.", self.name, SILENCE_SECONDS
            )
            self.replace()
        elif now >= self.beat_queued_at + BEAT_SECONDS:
            self.send_beat()

    def start(self) -> None:
        """Forks the cluster's first process."""
        # A connection that crosses a fork would mix up the replies to two processes.
        connections.close_all()
        self.started_at = time.monotonic()
        self.busy_until.value = self.started_at
        self.is_beat_pending = False
        self.beat_queued_at = 0.0
        self.process = fork_context.Process(
            target=run_cluster,
            args=(self.name, self.busy_until, allowed_tasks()),
            name=f"cluster {self.name}",
        )
        self.process.start()
        logger.info("Cluster %s started (process %s).", self.name, self.process.pid)

    def replace(self) -> None:
        """Kills the cluster. The next check starts it again, at first without a pause, then after
        one that doubles while the cluster ends within a minute.
        """
        self.kill()
        now = time.monotonic()
        if now > self.started_at + SHORT_LIFE_SECONDS:
            self.short_lives = 0
        else:
            self.short_lives += 1
        pause = min(2**self.short_lives, RESTART_PAUSE_MAX) if self.short_lives > 1 else 0
        self.start_due = now + pause

    def is_silent(self, now: float) -> bool:
        """Returns whether a beat has waited for longer than SILENCE_SECONDS since it was queued,
        since this process was last suspended, and since a worker became free.
        """
        waits_since = max(self.beat_queued_at, self.resumed_at, self.busy_until.value)
        return self.is_beat_pending and now > waits_since + SILENCE_SECONDS

    def send_beat(self) -> None:
        """Queues the scheduled tasks that are due, and a beat unless the last one still waits.
        While the database is not reachable no cluster can answer, so none counts as silent.
        """
        now = time.monotonic()
        try:
            with answer_within(ANSWER_SECONDS):
                self.scheduler.enqueue_due()
                self.queue_beat(now)
        except DatabaseError as error:
            logger.warning("The database is not reachable: %s", str(error).strip())
            connections.close_all()
            self.is_beat_pending = False
            self.beat_queued_at = now

    def queue_beat(self, now: float) -> None:
        beats = WorkerBeat.objects.filter(cluster=self.name)
        beat = beats.values_list("at", flat=True).first()
        if beat != self.last_beat:
            self.is_beat_pending = False
        if not self.is_beat_pending or now > self.beat_queued_at + BEAT_LOST_SECONDS:
            task_queue.enqueue_task(BEAT_TASK, self.name, cluster=self.name)
            self.is_beat_pending = True
            self.last_beat = beat
            self.beat_queued_at = now

    def terminate(self) -> None:
        """Sends SIGTERM to the first process alone, which lets the others finish their tasks."""
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """Kills the whole process group."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid or 0, signal.SIGKILL)
        # It may not have created its own process group yet.
        self.process.kill()
        self.process.join()
        self.process = None

    def is_alive(self) -> bool:
        return self.process is not None and self.process.is_alive()


class Supervisor:
    """The main process of `manage.py worker`."""

    def __init__(self, names: Sequence[str]):
        self.clusters = [Cluster(name) for name in names]
        self.stop_signals = 0

    def run(self) -> None:
        """Returns after SIGTERM or SIGINT, when every process has ended; a second signal ends them
        at once.
        """
        signal.signal(signal.SIGTERM, self.request_stop)
        signal.signal(signal.SIGINT, self.request_stop)
        preload_modules()
        compare_clocks()
        while not self.stop_signals:
            for cluster in self.clusters:
                cluster.check()
            self.wait_for_exit()
        self.stop()

    def request_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_signals += 1

    def wait_for_exit(self) -> None:
        """Waits until a cluster ends, at most for one tick."""
        sentinels = [
            cluster.process.sentinel
            for cluster in self.clusters
            if cluster.process and cluster.process.is_alive()
        ]
        connection.wait(sentinels, timeout=TICK_SECONDS)

    def stop(self) -> None:
        """Asks the clusters to stop, and kills them after the grace period."""
        logger.info("Stopping: running tasks have %s s to finish.", GRACE_SECONDS)
        for cluster in self.clusters:
            cluster.terminate()
        deadline = time.monotonic() + GRACE_SECONDS + 5
        while self.has_live_cluster() and time.monotonic() < deadline and self.stop_signals < 2:
            self.wait_for_exit()
        for cluster in self.clusters:
            cluster.kill()
        logger.info("Stopped.")

    def has_live_cluster(self) -> bool:
        return any(cluster.is_alive() for cluster in self.clusters)


def preload_modules() -> None:
    """Loads once the modules that forked processes share, and freezes the garbage collector's
    objects so that it does not copy shared pages by touching them.
    """
    load_functions(allowed_tasks())
    reverse("home")
    gc.collect()
    gc.freeze()


def compare_clocks() -> None:
    """Opens a connection, which compares the clocks. Processes that are forked later have the
    result: the first query of a task may contain a time.
    """
    with suppress(DatabaseError), answer_within(ANSWER_SECONDS):
        connections["default"].ensure_connection()
