"""Figures for the caching page."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core.cache import caches
from django.utils import timezone

from users.caching.backend import BREAKER_SECONDS, PageCache
from users.caching.generation import GENERATION_NAMES, Generations
from users.caching.models import WebProcess
from users.caching.timing import LAYERS

PROCESS_LIFETIME = timedelta(minutes=2)
# The outcomes that processes report, and their labels on the page.
ANSWER_OUTCOMES = {
    "hit": "hit",
    "shared": "shared",
    "miss": "miss",
    "bypassed": "not cached",
}


@dataclass(frozen=True)
class CacheStatus:
    """The state of the page cache as this process sees it."""

    # Between processes and machines.
    shared: bool
    # The current error, or "".
    error: str = ""
    # Seconds for which the cache is not called after an error.
    retry_seconds: float = BREAKER_SECONDS


@dataclass(frozen=True)
class ViewStatistics:
    """How the requests of one view were answered."""

    name: str
    answers: int
    # Percent of the answers that came from the cache.
    share: float
    outcomes: list[tuple[str, int]]
    # Layer, milliseconds of a hit, milliseconds of a miss.
    times: list[tuple[str, float | None, float | None]]


def cache_status() -> CacheStatus:
    pages = caches["pages"]
    if isinstance(pages, PageCache):
        return CacheStatus(shared=True, error=pages.current_error())
    return CacheStatus(shared=False)


def last_changes(now: Generations) -> list[tuple[str, datetime | None, int]]:
    """Returns the name, time of the last change and number of lanes of each generation.

    The number of a lane is the time of its change in microseconds.
    """
    changes = []
    for name in GENERATION_NAMES:
        lanes = now[name].split(".")
        changes.append((name, generation_time(max(map(int, lanes))), len(lanes)))
    return changes


def generation_time(number: int) -> datetime | None:
    return datetime.fromtimestamp(number / 1e6, UTC) if number else None


def live_processes() -> list[WebProcess]:
    """Returns the processes that have reported recently, by name."""
    since = timezone.now() - PROCESS_LIFETIME
    return list(WebProcess._default_manager.filter(at__gt=since).order_by("name"))


def view_statistics() -> list[ViewStatistics]:
    """Returns figures by view over all live processes, since the start of each."""
    totals: dict[str, Counter[str]] = {}
    for process in live_processes():
        for view, figures in process.figures.items():
            totals.setdefault(view, Counter()).update(figures)
    return [summarise_view(name, figures) for name, figures in sorted(totals.items())]


def summarise_view(name: str, figures: Counter[str]) -> ViewStatistics:
    outcomes = [
        (label, figures[outcome]) for outcome, label in ANSWER_OUTCOMES.items() if figures[outcome]
    ]
    answers = sum(number for _, number in outcomes)
    times = []
    for layer in LAYERS:
        hit = mean_milliseconds(figures, "hit", layer)
        miss = mean_milliseconds(figures, "miss", layer)
        if hit is not None or miss is not None:
            times.append((layer, hit, miss))
    return ViewStatistics(
        name=name,
        answers=answers,
        share=100 * (figures["hit"] + figures["shared"]) / max(answers, 1),
        outcomes=outcomes,
        times=times,
    )


def mean_milliseconds(figures: Counter[str], outcome: str, layer: str) -> float | None:
    """Returns the mean milliseconds of a layer, or None without answers.

    `figures` holds sums of microseconds.
    """
    total = figures[f"{outcome} {layer}"]
    answers = figures[outcome]
    return total / answers / 1000 if total and answers else None
