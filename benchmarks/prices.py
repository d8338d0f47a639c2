"""bin/bench --prices: what each trick is worth on the pages that it is for.

Rollcall, and Rollcall without one trick, answer in turn in the same run. A page is asked for in one
of four ways: from the cache (hit), built anew after a change of something else (changed), built
without any cache (cold), or after a change by all clients at once (crowd).
"""

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.db import connection

from benchmarks import past
from benchmarks.cache import Cache
from benchmarks.cases import LISTS
from benchmarks.client import Connection
from benchmarks.measure import warm_up
from benchmarks.peers import CLIENTS, COLD, Peer, Running, serving, with_redis, without_tricks
from benchmarks.report import Report, listing, short, table
from benchmarks.tricks import TRICKS

LIST = "list"
ACCOUNT = "account"
HIT = "hit"
CHANGED = "changed"
COLD_BUILD = "cold"
CROWD = "crowd"
# The least that a trick has to be worth on one of its pages, in percent.
LEAST = 5
# Rollcall twice: what the two differ by is chance.
CONTROL = "(nothing)"
WORTH_ON = [
    (CONTROL, LIST, COLD_BUILD),
    (CONTROL, ACCOUNT, COLD_BUILD),
    (CONTROL, LIST, HIT),
    (CONTROL, LIST, CHANGED),
    (CONTROL, ACCOUNT, CHANGED),
    (CONTROL, LIST, CROWD),
    ("prepared-statements", LIST, COLD_BUILD),
    ("prepared-statements", ACCOUNT, COLD_BUILD),
    ("compiled-queries", ACCOUNT, COLD_BUILD),
    ("c-loader", LIST, COLD_BUILD),
    ("c-loader", ACCOUNT, COLD_BUILD),
    ("rows-html", LIST, COLD_BUILD),
    ("events-html", ACCOUNT, COLD_BUILD),
    ("buttons-html", ACCOUNT, COLD_BUILD),
    ("facts-html", ACCOUNT, COLD_BUILD),
    ("connection-check", LIST, COLD_BUILD),
    ("connection-check", LIST, HIT),
    ("connection-check", ACCOUNT, HIT),
    ("page-memory", LIST, HIT),
    ("page-memory", ACCOUNT, HIT),
    ("page-memory", LIST, CHANGED),
    ("fragment-memory", LIST, CHANGED),
    ("fragment-memory", ACCOUNT, CHANGED),
    ("redis-lock", LIST, CROWD),
]
TOUCH = "UPDATE users_generation SET number = number + 1 WHERE name = 'accounts'"


@dataclass
class Price:
    """Seconds of a page with a trick and without it, one of each for each round."""

    trick: str
    page: str
    how: str
    with_it: list[float] = field(default_factory=list)
    without: list[float] = field(default_factory=list)

    @property
    def worth(self) -> float:
        """Percent of the page's time that the trick saves."""
        return 100 * (1 - quick_time(self.with_it) / quick_time(self.without))


def quick_time(seconds: list[float]) -> float:
    """The time that the quickest tenth stays below. Other work on the machine adds to the rest."""
    return sorted(seconds)[len(seconds) // 10]


def prices(options: argparse.Namespace, kept: Cache) -> list[Price]:
    found = [Price(*place) for place in WORTH_ON]
    cold = [price for price in found if price.how == COLD_BUILD]
    warm = [price for price in found if price.how != COLD_BUILD]
    for rollcall, some in ((COLD, cold), (with_redis(kept.url), warm)):
        measure_prices(options, rollcall, some)
    return found


def measure_prices(options: argparse.Namespace, rollcall: Peer, some: list[Price]) -> None:
    """Fills in the times of all prices whose pages come as those of `rollcall` do."""
    tricks = dict.fromkeys(price.trick for price in some)
    others = [without_tricks(rollcall, frozenset({trick} - {CONTROL})) for trick in tricks]
    with serving([rollcall, *others], options.keep, counted=False) as [ours, *running]:
        warm_up([ours, *running], LISTS)
        by_trick = dict(zip(tricks, running, strict=True))
        kind = lambda price: (price.page, price.how)  # noqa: E731
        for (page, how), group in groupby(sorted(some, key=kind), key=kind):
            print(f"{page}, {how}", file=sys.stderr, flush=True)
            measure_page(ours, by_trick, [*group], options.repeats)


def measure_page(
    ours: Running, by_trick: dict[str, Running], group: list[Price], repeats: int
) -> None:
    """All servers in turn, in each round in another order."""
    page, how = group[0].page, group[0].how
    ask = asking(page, how)
    crowds = {price.trick: connections(by_trick[price.trick]) for price in group}
    crowds[""] = connections(ours)
    names = [*crowds]
    for number in range(repeats + CLIENTS):
        if how in (CHANGED, CROWD):
            change_something()
        start = number % len(names)
        seconds = {name: ask(crowds[name], number) for name in names[start:] + names[:start]}
        # The first rounds fill the memories of both workers.
        if number >= CLIENTS:
            for price in group:
                price.with_it.append(seconds[""])
                price.without.append(seconds[price.trick])
    for crowd in crowds.values():
        for each in crowd:
            each.close()


def asking(page: str, how: str) -> Callable[[list[Connection], int], float]:
    """Returns a function that asks one server for the page and returns the seconds until it came;
    in a crowd, until all clients had it.
    """
    path = LISTS["rollcall"] if page == LIST else f"/users/{past.busy()}/"

    def ask(crowd: list[Connection], number: int) -> float:
        answer = crowd[number % len(crowd)].get(path)
        if answer.status != 200:
            raise RuntimeError(f"{path} was answered with {answer.status}.")
        return answer.seconds

    def ask_at_once(crowd: list[Connection], number: int) -> float:
        with ThreadPoolExecutor(len(crowd)) as pool:
            return max(pool.map(lambda each: ask([each], 0), crowd))

    return ask_at_once if how == CROWD else ask


def connections(running: Running) -> list[Connection]:
    """One for each client, so that both workers answer."""
    return [running.connect() for _ in range(CLIENTS)]


def change_something() -> None:
    """Raises the generation of accounts, so that no page of them is found any more."""
    with connection.cursor() as cursor:
        cursor.execute(TOUCH)


def report(conditions: dict[str, Any], found: list[Price]) -> Report:
    heads = ["trick", "page", "how", "with", "without", "worth"]
    lines = [price_line(price) for price in sorted(found, key=lambda price: order(price.trick))]
    text = "\n\n".join([listing(conditions), table(heads, lines), NOTES])
    return Report(text, {"conditions": conditions, "prices": [plain_price(one) for one in found]})


NOTES = f"""Milliseconds that the quickest tenth of the answers stays below. Worth: the share of the
page's time without the trick that the trick saves. A trick that is worth less than {LEAST} % on each
of its pages should go. In the first lines nothing is left out: their figures are chance."""


def order(trick: str) -> int:
    return [CONTROL, *TRICKS].index(trick)


def price_line(price: Price) -> list[str]:
    times = [short(1000 * quick_time(seconds)) for seconds in (price.with_it, price.without)]
    return [price.trick, price.page, price.how, *times, f"{price.worth:.1f} %"]


def plain_price(price: Price) -> dict[str, Any]:
    return {
        "trick": price.trick,
        "page": price.page,
        "how": price.how,
        "with_ms": round(1000 * quick_time(price.with_it), 3),
        "without_ms": round(1000 * quick_time(price.without), 3),
        "worth_percent": round(price.worth, 1),
    }
