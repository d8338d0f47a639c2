"""bin/bench --overhead NAMES: what a feature costs, in short runs with it and without it in turn.

A single run says little: its new connections are distributed among the workers at random, and other
work on the machine slows it down. The medians of many runs with new servers can be compared.
"""

import argparse
import sys
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks import past_events
from benchmarks.cases import LIST_EXPECTED, LISTS
from benchmarks.client import Connection
from benchmarks.expected import expect_account
from benchmarks.measure import Request, ask_concurrently, page_request, warm_up
from benchmarks.metrics_cost import measure_counting
from benchmarks.peers import CLIENTS, Peer, Running, run_servers, with_plain_django
from benchmarks.report import Report, condition_lines, markdown_table, three_digits

FEWEST_PAIRS = 5
SCRAPES = 5
# Prometheus scrapes so often.
SCRAPE_SECONDS = 15
HEADS = [
    "page, cached",
    "with: /s",
    "without: /s",
    "cost",
    "with: CPU µs",
    "without: CPU µs",
    "cost",
]


@dataclass
class Runs:
    """The throughput of each run, and the CPU seconds of the web processes for a response."""

    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


@dataclass
class Overhead:
    """The runs of a page with the feature and without it."""

    page: str
    with_it: Runs = field(default_factory=Runs)
    without: Runs = field(default_factory=Runs)

    @property
    def cost(self) -> float:
        """Returns the percentage of the throughput that the feature costs."""
        return 100 * (1 - median(self.with_it.rates) / median(self.without.rates))

    @property
    def cpu_cost(self) -> float:
        """Returns the percentage by which the feature raises the CPU time of a response."""
        return 100 * (median(self.with_it.cpu) / median(self.without.cpu) - 1)


def measure_overhead(
    options: argparse.Namespace, rollcall: Peer, conditions: dict[str, Any]
) -> Report:
    """Measures pairs of runs. Each has new servers, because two processes with the same code may
    differ by a tenth for as long as they live.
    """
    # Both have the same settings, so nothing else differs.
    whole = with_plain_django(rollcall, frozenset())
    peers = [whole, with_plain_django(rollcall, options.overhead)]
    requests = page_requests()
    found = [Overhead(page) for page in requests]
    counting = counting_costs() if "metrics" in options.overhead else {}
    scrapes = []
    for number in range(max(options.repeats, FEWEST_PAIRS)):
        print(f"pair {number + 1}", file=sys.stderr, flush=True)
        order = peers if number % 2 else peers[::-1]
        with run_servers(order, options.keep, counted=False) as servers:
            warm_up(servers, LISTS)
            for overhead in found:
                for server in servers:
                    runs = overhead.with_it if server.peer is whole else overhead.without
                    measure_run(server, runs, requests[overhead.page], options.seconds)
            [scraped] = [server for server in servers if server.peer is whole]
            scrapes.append(scrape_time(scraped))
    return overhead_report(conditions, options, found, median(scrapes), counting)


def counting_costs() -> dict[str, float]:
    """Returns the CPU seconds that the metrics add to a request of each page, in one process."""
    account = past_events.busy_account()
    paths = {"list": LISTS["rollcall"], "account": f"/users/{account}/"}
    return {page: measure_counting(path).seconds for page, path in paths.items()}


def page_requests() -> dict[str, Request]:
    account = past_events.busy_account()
    expected = expect_account()["rollcall"].for_account(account)
    return {
        "list": page_request([(LISTS["rollcall"], LIST_EXPECTED["rollcall"])]),
        "account": page_request([(f"/users/{account}/", expected)]),
    }


def measure_run(server: Running, runs: Runs, request: Request, seconds: float) -> None:
    before = server.cpu_seconds()
    found = ask_concurrently([request] * CLIENTS, server, seconds)
    if found.faults:
        raise RuntimeError(f"{server.peer.label} has answered with {found.faults}.")
    runs.rates.append(found.per_second)
    runs.cpu.append((server.cpu_seconds() - before) / found.counts.total())


def scrape_time(server: Running) -> float:
    """Returns the median seconds of requests of /metrics. They need no cookie."""
    connection = Connection(server.port, "")
    answers = [connection.get("/metrics") for _ in range(SCRAPES)]
    connection.close()
    if faults := {each.status for each in answers} - {200}:
        raise RuntimeError(f"/metrics was answered with {faults}.")
    return median(each.seconds for each in answers)


def overhead_report(
    conditions: dict[str, Any],
    options: argparse.Namespace,
    found: list[Overhead],
    scrape: float,
    counting: dict[str, float],
) -> Report:
    table = markdown_table(HEADS, [overhead_line(each) for each in found])
    names = ", ".join(sorted(options.overhead))
    pairs = len(found[0].with_it.rates)
    notes = (
        f"{names}: medians of {pairs} pairs of runs of {options.seconds:g} s with {CLIENTS} "
        f"clients.\nA scrape of /metrics takes {1000 * scrape:.1f} ms, every {SCRAPE_SECONDS} s "
        f"{100 * scrape / SCRAPE_SECONDS:.2f} % of one thread."
    )
    lines = [counting_line(each, counting[each.page]) for each in found if counting]
    text = "\n\n".join([condition_lines(conditions), table, "\n".join([notes, *lines])])
    data = {"conditions": conditions, "overhead": [vars_of(each) for each in found]}
    data["counting_us"] = {page: round(1_000_000 * cost, 1) for page, cost in counting.items()}
    return Report(text, data | {"scrape_ms": round(1000 * scrape, 2)})


def overhead_line(found: Overhead) -> list[str]:
    rates = [three_digits(median(runs.rates)) for runs in (found.with_it, found.without)]
    cpu = [f"{1_000_000 * median(runs.cpu):,.0f}" for runs in (found.with_it, found.without)]
    return [found.page, *rates, f"{found.cost:.1f} %", *cpu, f"{found.cpu_cost:.1f} %"]


def counting_line(found: Overhead, seconds: float) -> str:
    """Says what counting adds to a request of one process, and how much of a response that is."""
    share = 100 * seconds / median(found.without.cpu)
    return (
        f"In one process, they add {1_000_000 * seconds:.1f} µs to the {found.page}: {share:.1f} %."
    )


def vars_of(found: Overhead) -> dict[str, Any]:
    return {
        "page": found.page,
        "with": vars(found.with_it),
        "without": vars(found.without),
        "cost_percent": round(found.cost, 2),
        "cpu_cost_percent": round(found.cpu_cost, 2),
    }
