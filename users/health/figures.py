"""Figures of queues, outbox and audit chain, and their history of a day."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from users.database.clock import current_time
from users.health.alarms import oldest_unsealed
from users.health.models import StatusSample
from users.jobs.models import OPEN_STATES, Job
from users.jobs.queue import task_queue
from users.mail.models import Message
from users.metrics.registry import count_up_to

HISTORY = timedelta(days=1)
# Rows that are counted; an index range each.
COUNT_LIMIT = 10_000
# Points of a plot.
POINTS = 96
# The figures that the page shows, and their labels.
FIGURE_LABELS = {
    "tasks": "Queued tasks",
    "jobs": "Open jobs",
    "emails": "Emails to send",
    "unsealed": "Oldest unsealed event",
}
SECONDS = ("unsealed",)


@dataclass(frozen=True)
class StatusFigure:
    """A figure of now with its history of a day."""

    name: str
    label: str
    value: int
    # The highest value in each fifteen minutes, oldest first.
    history: list[float]

    @property
    def is_capped(self) -> bool:
        return self.name not in SECONDS and self.value >= COUNT_LIMIT

    @property
    def span(self) -> timedelta | None:
        """The value as a duration, if it is one."""
        return timedelta(seconds=self.value) if self.name in SECONDS else None


def current_figures() -> dict[str, int]:
    """Returns the figures of now. Ages are seconds, 0 if nothing waits."""
    waiting = Message.objects.filter(state=Message.State.WAITING)
    return {
        "tasks": task_queue.count_tasks(COUNT_LIMIT),
        "jobs": count_up_to(Job.objects.filter(state__in=OPEN_STATES), COUNT_LIMIT),
        "emails": count_up_to(waiting, COUNT_LIMIT),
        "unsealed": age_seconds(oldest_unsealed()),
    }


def age_seconds(at: datetime | None) -> int:
    return max(round((current_time() - at).total_seconds()), 0) if at else 0


def queue_waits() -> list[tuple[str, timedelta | None]]:
    """Returns each queue with the time for which its oldest task has waited."""
    return [(name, task_queue.oldest_wait(name)) for name in task_queue.CLUSTERS]


def store_sample() -> None:
    """Stores the figures of now, and deletes those older than a day. Runs every minute."""
    now = current_time()
    figures = current_figures()
    StatusSample.objects.create(at=now, figures=figures)
    StatusSample.objects.filter(at__lt=now - HISTORY).delete()


def figure_histories() -> list[StatusFigure]:
    """Returns the figures of the page."""
    now = current_time()
    samples = list(StatusSample.objects.filter(at__gte=now - HISTORY).order_by("at"))
    values = current_figures()
    found = []
    for name, label in FIGURE_LABELS.items():
        history = peak_values(samples, name, now)
        found.append(StatusFigure(name, label, values[name], history))
    return found


def peak_values(samples: list[StatusSample], name: str, now: datetime) -> list[float]:
    """Returns the highest value in each of POINTS parts of the day; [] without two samples.

    A part without a sample repeats the one before it.
    """
    if len(samples) < 2:
        return []
    start = max(samples[0].at, now - HISTORY)
    width = max((now - start) / POINTS, timedelta(seconds=1))
    peaks: dict[int, float] = {}
    for sample in samples:
        part = min(int((sample.at - start) / width), POINTS - 1)
        peaks[part] = max(peaks.get(part, 0), sample.figures.get(name, 0))
    history: list[float] = []
    for part in range(max(peaks) + 1):
        previous = history[-1] if history else 0
        history.append(peaks.get(part, previous))
    return history
