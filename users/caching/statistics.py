"""What the page about caching shows."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core.cache import caches
from django.utils import timezone

from users.caching.backend import ALONE, Pages
from users.caching.generation import NAMES, Generations
from users.caching.models import WebProcess
from users.caching.timing import LAYERS

ALIVE = timedelta(minutes=2)
# As a process reports it, and as the page shows it.
OUTCOMES = {"hit": "hit", "shared": "shared", "miss": "miss", "passed by": "not cached"}


@dataclass(frozen=True)
class Cache:
    """`trouble`: what this process met last, "" where all is well. `shared`: between processes and
    machines.
    """

    shared: bool
    trouble: str = ""
    alone: float = ALONE


@dataclass(frozen=True)
class View:
    """`share`: percent of answers that came from the cache. `times`: by layer, milliseconds of a
    hit and of a miss.
    """

    name: str
    answers: int
    share: float
    outcomes: list[tuple[str, int]]
    times: list[tuple[str, float | None, float | None]]


def cache() -> Cache:
    pages = caches["pages"]
    return (
        Cache(shared=True, trouble=pages.trouble())
        if isinstance(pages, Pages)
        else Cache(shared=False)
    )


def generations(now: Generations) -> list[tuple[str, datetime | None, int]]:
    """Name, the time of the last change, and the number of lanes. A number is the time of its
    change in microseconds.
    """
    lanes = [(name, [int(number) for number in now[name].split(".")]) for name in NAMES]
    return [(name, moment(max(numbers)), len(numbers)) for name, numbers in lanes]


def moment(number: int) -> datetime | None:
    return datetime.fromtimestamp(number / 1e6, UTC) if number else None


def processes() -> list[WebProcess]:
    """Those that have told something of themselves of late."""
    return list(WebProcess._default_manager.filter(at__gt=timezone.now() - ALIVE).order_by("name"))


def views() -> list[View]:
    """Over all processes, since each of them began."""
    totals: dict[str, Counter[str]] = {}
    for process in processes():
        for view, figures in process.figures.items():
            totals.setdefault(view, Counter()).update(figures)
    return [view_of(name, figures) for name, figures in sorted(totals.items())]


def view_of(name: str, figures: Counter[str]) -> View:
    outcomes = [(OUTCOMES[name], figures[name]) for name in OUTCOMES if figures[name]]
    answers = sum(number for _, number in outcomes)
    times = [(layer, mean(figures, "hit", layer), mean(figures, "miss", layer)) for layer in LAYERS]
    known = [
        (layer, hit, miss) for layer, hit, miss in times if hit is not None or miss is not None
    ]
    return View(
        name, answers, 100 * (figures["hit"] + figures["shared"]) / max(answers, 1), outcomes, known
    )


def mean(figures: Counter[str], outcome: str, layer: str) -> float | None:
    """Milliseconds; the figures are sums of microseconds."""
    total = figures[f"{outcome} {layer}"]
    return total / figures[outcome] / 1000 if total and figures[outcome] else None
