"""What the page about caching shows."""

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
# As a process reports it, and as the page shows it.
ANSWER_OUTCOMES = {"hit": "hit", "shared": "shared", "miss": "miss", "passed by": "not cached"}


@dataclass(frozen=True)
class CacheStatus:
    """`trouble`: what this process met last, "" where all is well. `shared`: between processes and
    machines.
    """

    shared: bool
    trouble: str = ""
    alone: float = BREAKER_SECONDS


@dataclass(frozen=True)
class ViewStatistics:
    """`share`: percent of answers that came from the cache. `times`: by layer, milliseconds of a
    hit and of a miss.
    """

    name: str
    answers: int
    share: float
    outcomes: list[tuple[str, int]]
    times: list[tuple[str, float | None, float | None]]


def cache_status() -> CacheStatus:
    pages = caches["pages"]
    return (
        CacheStatus(shared=True, trouble=pages.trouble())
        if isinstance(pages, PageCache)
        else CacheStatus(shared=False)
    )


def last_changes(now: Generations) -> list[tuple[str, datetime | None, int]]:
    """Name, the time of the last change, and the number of lanes. A number is the time of its
    change in microseconds.
    """
    lanes = [(name, [int(number) for number in now[name].split(".")]) for name in GENERATION_NAMES]
    return [(name, generation_time(max(numbers)), len(numbers)) for name, numbers in lanes]


def generation_time(number: int) -> datetime | None:
    return datetime.fromtimestamp(number / 1e6, UTC) if number else None


def live_processes() -> list[WebProcess]:
    """Those that have told something of themselves of late."""
    return list(
        WebProcess._default_manager.filter(at__gt=timezone.now() - PROCESS_LIFETIME).order_by(
            "name"
        )
    )


def view_statistics() -> list[ViewStatistics]:
    """Over all processes, since each of them began."""
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
    times = [
        (layer, mean_milliseconds(figures, "hit", layer), mean_milliseconds(figures, "miss", layer))
        for layer in LAYERS
    ]
    known = [
        (layer, hit, miss) for layer, hit, miss in times if hit is not None or miss is not None
    ]
    return ViewStatistics(
        name, answers, 100 * (figures["hit"] + figures["shared"]) / max(answers, 1), outcomes, known
    )


def mean_milliseconds(figures: Counter[str], outcome: str, layer: str) -> float | None:
    """Milliseconds; the figures are sums of microseconds."""
    total = figures[f"{outcome} {layer}"]
    return total / figures[outcome] / 1000 if total and figures[outcome] else None
