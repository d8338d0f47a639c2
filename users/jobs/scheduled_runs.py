"""The last run of each scheduled task, and which schedules are late."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from users.database.clock import current_time
from users.fields import NO_VALUE
from users.jobs.models import ScheduledRun
from users.jobs.queue import task_queue
from users.jobs.schedule import TASKS, task_minutes

# Durations of a task that are kept.
DURATIONS = 60
# How long after its time a task may run.
LATE_AFTER = timedelta(minutes=5)
# The first line after the frames.
EXCEPTION_LINE = re.compile(r"^([A-Za-z_][\w.]*)(?::|$)", re.MULTILINE)


@dataclass(frozen=True)
class ScheduleState:
    """A schedule with its last run."""

    task: str
    cluster: str
    minutes: int
    # Null if the row is missing.
    next_run: datetime | None
    run: ScheduledRun | None

    @property
    def name(self) -> str:
        """The name of the task's function in words, such as "Deliver outbox"."""
        return self.task.rpartition(".")[2].replace("_", " ").capitalize()

    @property
    def duration_text(self) -> str:
        """The duration of the last run, such as "12 ms" or "1.5 s"; NO_VALUE without one."""
        if self.run is None:
            return NO_VALUE
        if self.run.seconds < 1:
            return f"{self.run.seconds * 1000:.0f} ms"
        return f"{self.run.seconds:.1f} s"

    @property
    def is_late(self) -> bool:
        return self.due_since is not None

    @property
    def due_since(self) -> datetime | None:
        """Since when a successful run is missing; None if the schedule is not late. A task that has
        only failed is late at once.
        """
        latest = current_time() - LATE_AFTER
        if self.next_run is None:
            return latest
        if self.next_run < latest:
            return self.next_run
        if self.run is None:
            return None
        if self.run.succeeded_at is None:
            return self.run.ended_at
        expected = self.run.succeeded_at + timedelta(minutes=self.minutes)
        return expected if expected < latest else None


def record_run(package: Mapping[str, Any]) -> None:
    """Stores the duration and the outcome of a task that has ended, if it has a schedule.

    `package`: what django-q2's worker returns.
    """
    task = package["name"]
    if task not in TASKS:
        return
    ended_at = current_time()
    seconds = max((package["stopped"] - package["started"]).total_seconds(), 0)
    error = "" if package["success"] else exception_name(package["result"])
    run = ScheduledRun.objects.filter(pk=task).first() or ScheduledRun(task=task)
    run.ended_at = ended_at
    run.seconds = seconds
    run.error = error
    run.durations = [*run.durations, round(seconds, 3)][-DURATIONS:]
    if not error:
        run.succeeded_at = ended_at
    run.save()


def exception_name(result: object) -> str:
    """Returns the type of the exception of a traceback. Its message may hold personal data."""
    frames = str(result).rpartition("Traceback (most recent call last):\n")[2]
    found = EXCEPTION_LINE.search(frames)
    return found[1][:100] if found else "unknown error"


def schedule_states() -> list[ScheduleState]:
    """Returns all schedules of this release, in the order of their list."""
    next_runs = task_queue.next_runs()
    runs = ScheduledRun.objects.in_bulk()
    states = []
    for task, cluster in TASKS.items():
        state = ScheduleState(
            task=task,
            cluster=cluster,
            minutes=task_minutes(cluster)[task],
            next_run=next_runs.get(task),
            run=runs.get(task),
        )
        states.append(state)
    return states
