"""bin/bench --prices: measures what each optimisation saves on the pages that it is for.

Rollcall with and without an optimisation answer in turn in the same run. A page is requested in one
of four ways: from the cache (hit), rebuilt after a change of something else (changed), built
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

from benchmarks import past_events
from benchmarks.cache import Cache
from benchmarks.cases import LISTS
from benchmarks.client import Connection
from benchmarks.measure import warm_up
from benchmarks.optimisations import OPTIMISATIONS
from benchmarks.peers import (
    CLIENTS,
    COLD,
    Peer,
    Running,
    rollcall_with_redis,
    run_servers,
    with_plain_django,
)
from benchmarks.report import Report, condition_lines, markdown_table, three_digits

LIST = "list"
ACCOUNT = "account"
SEARCH = "search"
HIT = "hit"
CHANGED = "changed"
COLD_BUILD = "cold"
CROWD = "crowd"
# Percent that an optimisation must save on one of its pages.
MINIMUM = 5
# A second Rollcall without a difference: what it saves is chance.
CONTROL = "(nothing)"
# Optimisation, page and way of each measurement.
MEASUREMENTS = [
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
    ("sample-memory", SEARCH, COLD_BUILD),
    ("events-html", ACCOUNT, COLD_BUILD),
    ("buttons-html", ACCOUNT, COLD_BUILD),
    ("facts-html", ACCOUNT, COLD_BUILD),
    ("page-memory", LIST, HIT),
    ("page-memory", ACCOUNT, HIT),
    ("page-memory", LIST, CHANGED),
    ("fragment-memory", LIST, CHANGED),
    ("fragment-memory", ACCOUNT, CHANGED),
    ("redis-lock", LIST, CROWD),
]
RAISE_GENERATION = "UPDATE users_generation SET number = number + 1 WHERE name = 'accounts'"


@dataclass
class Price:
    """The times of a page with an optimisation and without it.

    `with_it` and `without` have the seconds of each round; `cpu_with` and `cpu_without` are the CPU
    seconds of the web server in all rounds.
    """

    optimisation: str
    page: str
    how: str
    with_it: list[float] = field(default_factory=list)
    without: list[float] = field(default_factory=list)
    cpu_with: float = 0.0
    cpu_without: float = 0.0

    @property
    def saving(self) -> float:
        """Returns the percentage of the page's time that the optimisation saves."""
        return saved_percent(quick_time(self.with_it), quick_time(self.without))

    @property
    def cpu_saving(self) -> float:
        """Returns the percentage of the web server's CPU time that the optimisation saves."""
        return saved_percent(self.cpu_with, self.cpu_without)


def saved_percent(with_it: float, without: float) -> float:
    return 100 * (1 - with_it / without)


def quick_time(seconds: list[float]) -> float:
    """Returns the 10th percentile, since other work on the machine slows down the other 90 %."""
    return sorted(seconds)[len(seconds) // 10]


def measure_all(options: argparse.Namespace, cache: Cache) -> list[Price]:
    found = [Price(*measurement) for measurement in MEASUREMENTS]
    cold = [price for price in found if price.how == COLD_BUILD]
    warm = [price for price in found if price.how != COLD_BUILD]
    measure_prices(options, COLD, cold)
    measure_prices(options, rollcall_with_redis(cache.url), warm)
    return found


def measure_prices(options: argparse.Namespace, rollcall: Peer, prices: list[Price]) -> None:
    """Adds the times to prices whose pages are built as those of `rollcall` are."""
    names = list(dict.fromkeys(price.optimisation for price in prices))
    others = [with_plain_django(rollcall, frozenset({name} - {CONTROL})) for name in names]
    with run_servers([rollcall, *others], options.keep, counted=False) as [ours, *running]:
        warm_up([ours, *running], LISTS)
        servers = dict(zip(names, running, strict=True))
        for (page, how), group in groupby(sorted(prices, key=page_and_way), key=page_and_way):
            print(f"{page}, {how}", file=sys.stderr, flush=True)
            measure_page(ours, servers, [*group], options.repeats)


def page_and_way(price: Price) -> tuple[str, str]:
    return price.page, price.how


def measure_page(
    ours: Running, servers: dict[str, Running], group: list[Price], repeats: int
) -> None:
    """Measures one page on all servers in turn, in another order in each round."""
    measured = {"": ours} | {price.optimisation: servers[price.optimisation] for price in group}
    clients = {name: connections(running) for name, running in measured.items()}
    # The first rounds fill the memories of both workers.
    ask_rounds(group, clients, CLIENTS)
    before = {name: running.cpu_seconds() for name, running in measured.items()}
    rounds = ask_rounds(group, clients, repeats)
    cpu = {name: running.cpu_seconds() - before[name] for name, running in measured.items()}
    for price in group:
        price.with_it = [seconds[""] for seconds in rounds]
        price.without = [seconds[price.optimisation] for seconds in rounds]
        price.cpu_with = cpu[""]
        price.cpu_without = cpu[price.optimisation]
    for own in clients.values():
        for each in own:
            each.close()


def ask_rounds(
    group: list[Price], clients: dict[str, list[Connection]], repeats: int
) -> list[dict[str, float]]:
    """Returns the seconds of each server in each round."""
    page, how = page_and_way(group[0])
    ask = page_request(page, how)
    names = [*clients]
    rounds = []
    for number in range(repeats):
        if how in (CHANGED, CROWD):
            raise_generation()
        start = number % len(names)
        in_turn = names[start:] + names[:start]
        rounds.append({name: ask(clients[name], number) for name in in_turn})
    return rounds


def page_request(page: str, how: str) -> Callable[[list[Connection], int], float]:
    """Returns a function that requests the page from one server and returns the seconds until it
    arrived; in a crowd, until all clients have it.
    """
    path = page_path(page)

    def ask(clients: list[Connection], number: int) -> float:
        answer = clients[number % len(clients)].get(path)
        if answer.status != 200:
            raise RuntimeError(f"{path} was answered with {answer.status}.")
        return answer.seconds

    def ask_at_once(clients: list[Connection], number: int) -> float:
        with ThreadPoolExecutor(len(clients)) as pool:
            return max(pool.map(lambda client: ask([client], 0), clients))

    return ask_at_once if how == CROWD else ask


def page_path(page: str) -> str:
    if page == ACCOUNT:
        return f"/users/{past_events.busy_account()}/"
    # No account matches this term, so it is looked up in the trigram index.
    return LISTS["rollcall"] + ("?q=xqzvwk" if page == SEARCH else "")


def connections(running: Running) -> list[Connection]:
    """Returns a connection for each client, so that both workers answer."""
    return [running.connect() for _ in range(CLIENTS)]


def raise_generation() -> None:
    """Raises the generation of accounts, which makes all cached pages obsolete."""
    with connection.cursor() as cursor:
        cursor.execute(RAISE_GENERATION)


def price_report(conditions: dict[str, Any], prices: list[Price]) -> Report:
    order = [CONTROL, *OPTIMISATIONS]
    rows = sorted(prices, key=lambda price: order.index(price.optimisation))
    table = markdown_table(HEADS, [price_line(price) for price in rows])
    text = "\n\n".join([condition_lines(conditions), table, NOTES])
    return Report(text, {"conditions": conditions, "prices": [price_data(one) for one in prices]})


HEADS = ["optimisation", "page", "how", "with", "without", "saving", "of the CPU"]
NOTES = f"""Milliseconds of the 10th percentile. Saving: the share of the page's time without the
optimisation that it saves; of the CPU: the share of the web server's CPU time, which other work on
the machine disturbs less. An optimisation that saves less than {MINIMUM} % on each of its pages
should be removed. The first lines leave nothing out: their figures are chance."""


def price_line(price: Price) -> list[str]:
    times = [three_digits(1000 * quick_time(each)) for each in (price.with_it, price.without)]
    savings = [f"{percent:.1f} %" for percent in (price.saving, price.cpu_saving)]
    return [price.optimisation, price.page, price.how, *times, *savings]


def price_data(price: Price) -> dict[str, Any]:
    return {
        "optimisation": price.optimisation,
        "page": price.page,
        "how": price.how,
        "with_ms": round(1000 * quick_time(price.with_it), 3),
        "without_ms": round(1000 * quick_time(price.without), 3),
        "saving_percent": round(price.saving, 1),
        "cpu_saving_percent": round(price.cpu_saving, 1),
    }
