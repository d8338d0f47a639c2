"""Keeps the clusters of workers running: starts them, and replaces one that has ended or no longer
answers.

A cluster of django-q2 can get stuck for good while it looks well (a worker that dies with a lock in
its hand), so the proof of life is a task that runs: each cluster is rung a beat every few seconds.
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
from importlib import import_module
from multiprocessing import connection
from multiprocessing.context import ForkProcess
from types import FrameType

from django.db import DatabaseError, connections
from django.urls import reverse
from django.utils import timezone

from users.jobs.models import WorkerBeat
from users.jobs.queue import doorbell
from users.jobs.queue.shutdown import GRACE_SECONDS, StopRequest
from users.jobs.schedule import TASKS

logger = logging.getLogger(__name__)

TICK_SECONDS = 1  # second between two looks at the processes
BEAT_SECONDS = 5  # seconds between two beats
SILENCE_SECONDS = 20  # seconds that a ring may wait although a worker is free
BEAT_LOST_SECONDS = 60  # seconds after which an unanswered beat is rung again
RESTART_PAUSE_MAX = 30  # seconds between two starts of a cluster that ends at once
fork_context = multiprocessing.get_context("fork")


class Cluster:
    """One cluster: its first process, and the beat that was last rung there."""

    def __init__(self, name: str):
        self.name = name
        self.process: ForkProcess | None = None
        self.pulse = fork_context.RawValue("d", 0.0)
        self.rung: datetime | None = None  # an unanswered beat
        self.rung_at = self.looked_at = self.back_at = self.started_at = self.start_due = 0.0
        self.short_lives = 0

    def look_after(self) -> None:
        now = time.monotonic()
        if now > self.looked_at + SILENCE_SECONDS / 2:
            self.back_at = (
                now  # it is this process that was away: an answer may stand there, unread
            )
        self.looked_at = now
        if self.process is None:
            if now >= self.start_due:
                self.start()
        elif not self.process.is_alive():
            logger.warning(
                "Cluster %s ended (exit code %s) and is replaced.", self.name, self.process.exitcode
            )
            self.replace()
        elif self.is_silent(now):
            logger.error(
                "Cluster %s has not answered for %s s and is replaced.", self.name, SILENCE_SECONDS
            )
            self.replace()
        elif now >= self.rung_at + BEAT_SECONDS:
            self.beat()

    def start(self) -> None:
        # a connection that crosses a fork mixes up the replies of two processes
        connections.close_all()
        self.pulse.value = self.started_at = time.monotonic()
        self.rung = None
        self.rung_at = 0.0
        self.process = fork_context.Process(
            target=run_cluster_process, args=(self.name, self.pulse), name=f"cluster {self.name}"
        )
        self.process.start()
        logger.info("Cluster %s started (process %s).", self.name, self.process.pid)

    def replace(self) -> None:
        """The next start follows at once, or after a pause that doubles while the cluster ends
        within a minute.
        """
        self.kill()
        now = time.monotonic()
        self.short_lives = 0 if now > self.started_at + 60 else self.short_lives + 1
        pause = min(2**self.short_lives, RESTART_PAUSE_MAX) if self.short_lives > 1 else 0
        self.start_due = now + pause

    def is_silent(self, now: float) -> bool:
        return (
            self.rung is not None
            and now > max(self.rung_at, self.back_at, self.pulse.value) + SILENCE_SECONDS
        )

    def beat(self) -> None:
        """Rings a beat, unless the last one still waits. Without the database nobody can answer,
        and nobody is blamed.
        """
        now = time.monotonic()
        try:
            if (
                self.rung
                and WorkerBeat.objects.filter(cluster=self.name, at__gte=self.rung).exists()
            ):
                self.rung = None
            if self.rung is None or now > self.rung_at + BEAT_LOST_SECONDS:
                rung = timezone.now()
                doorbell.enqueue_task("users.jobs.tasks.record_beat", self.name, cluster=self.name)
                self.rung = rung
                self.rung_at = now
        except DatabaseError as error:
            logger.warning("The database is not reachable: %s", str(error).strip())
            connections.close_all()
            self.rung = None
            self.rung_at = now

    def terminate(self) -> None:
        """Asks the first process alone: it lets the others finish what they do."""
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """Ends what is left of the group."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid or 0, signal.SIGKILL)
        self.process.kill()  # it may not have come so far as to lead a group
        self.process.join()
        self.process = None

    def is_alive(self) -> bool:
        return self.process is not None and self.process.is_alive()


class Supervisor:
    def __init__(self, names: Sequence[str]):
        self.clusters = [Cluster(name) for name in names]
        self.asked = 0

    def run(self) -> None:
        """Returns after SIGTERM or SIGINT, when every process has ended; a second signal ends them
        at once.
        """
        signal.signal(signal.SIGTERM, self.ask)
        signal.signal(signal.SIGINT, self.ask)
        preload_modules()
        while not self.asked:
            for cluster in self.clusters:
                cluster.look_after()
            self.rest()
        self.stop()

    def ask(self, number: int, frame: FrameType | None) -> None:
        self.asked += 1

    def rest(self) -> None:
        """Until a cluster ends, or for a tick."""
        alive = [
            cluster.process.sentinel
            for cluster in self.clusters
            if cluster.process and cluster.process.is_alive()
        ]
        connection.wait(alive, timeout=TICK_SECONDS)

    def stop(self) -> None:
        logger.info("Stopping: running tasks have %s s to finish.", GRACE_SECONDS)
        for cluster in self.clusters:
            cluster.terminate()
        deadline = time.monotonic() + GRACE_SECONDS + 5
        while (
            any(cluster.is_alive() for cluster in self.clusters)
            and time.monotonic() < deadline
            and self.asked < 2
        ):
            self.rest()
        for cluster in self.clusters:
            cluster.kill()
        logger.info("Stopped.")


def preload_modules() -> None:
    """Loads once what the forked processes share, and keeps the garbage collector from copying it
    by touching it.
    """
    for task in TASKS:
        import_module(task.rpartition(".")[0])
    reverse("home")
    gc.collect()
    gc.freeze()


def run_cluster_process(name: str, pulse) -> None:
    """A cluster's first process."""
    signal.signal(
        signal.SIGTERM, signal.SIG_DFL
    )  # and not the supervisor's, until the cluster's own is set
    os.setsid()
    doorbell.run_cluster(name, StopRequest(), pulse)
