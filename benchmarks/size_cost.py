"""bin/bench --against DIR: what the requests of a team's mix cost on this database, compared with
the one in DIR, which has more accounts.

Both databases and both web servers run at once, and take turns at each request, so that other work
on the machine affects both.
"""

import argparse
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import environ
from django.db import connection

from benchmarks.cases import LISTS, accounts_to_edit
from benchmarks.client import Connection
from benchmarks.expected import Expected, expect_saved_form
from benchmarks.fill import manage
from benchmarks.measure import Request, edit_request, page_request, warm_up
from benchmarks.peers import Peer, Running, run_server
from benchmarks.report import Report, condition_lines, markdown_table, three_digits
from benchmarks.server import run_postgresql
from benchmarks.team_terms import NAMES, TABS
from users.models import User

ACCOUNTS = 500
# How often each kind comes in benchmarks/locustfile.py. An edit stands for all POSTs.
WEIGHTS = {
    "list": 1,
    "search": 9,
    "account": 6,
    "tab": 3,
    "trail": 1,
    "jobs": 1,
    "form": 5,
    "edit (POST)": 5,
}
TARGET = 1.2


@dataclass
class Side:
    """One database with its web server, and the seconds of its requests by kind."""

    accounts: int
    running: Running
    requests: dict[str, Request]
    client: Connection
    seconds: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in WEIGHTS})

    def ask(self, kind: str, *, is_counted: bool) -> None:
        response = self.requests[kind](self.client)
        if response.fault:
            raise RuntimeError(f"{kind}: {response.fault}")
        if is_counted:
            self.seconds[kind].append(response.answer.seconds)

    def median_ms(self, kind: str) -> float:
        return 1000 * median(self.seconds[kind])

    @property
    def mix_ms(self) -> float:
        """Returns the mean time of a request of the mix."""
        total = sum(weight * self.median_ms(kind) for kind, weight in WEIGHTS.items())
        return total / sum(WEIGHTS.values())


def measure_sizes(
    options: argparse.Namespace, rollcall: Peer, conditions: dict[str, Any]
) -> Report:
    with ExitStack() as stack:
        small = open_side(stack, rollcall, options)
        url = stack.enter_context(run_postgresql(options.against.resolve() / "postgresql"))
        manage("release", stdout=subprocess.DEVNULL, DATABASE_URL=url)
        stack.enter_context(using_database(url))
        large = open_side(stack, on_database(rollcall, url), options)
        for kind in WEIGHTS:
            for number in range(options.repeats + 1):
                for side in (small, large) if number % 2 else (large, small):
                    side.ask(kind, is_counted=number > 0)
        return size_report(conditions, small, large)


def on_database(rollcall: Peer, url: str) -> Peer:
    """Returns the peer on another database, with a page cache of its own."""
    variables = rollcall.environment | {"DATABASE_URL": url}
    if redis_url := variables.get("REDIS_URL"):
        variables["REDIS_URL"] = redis_url.removesuffix("/0") + "/1"
    return replace(rollcall, name="rollcall-large", environment=variables, like="rollcall")


@contextmanager
def using_database(url: str) -> Iterator[None]:
    """Lets this process read and write another database until the block ends."""
    own = connection.settings_dict
    config = environ.Env.db_url_config(url)
    changes = {name: config[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    changes["OPTIONS"] = own["OPTIONS"] | config.get("OPTIONS", {})
    connection.close()
    with patch.dict(own, changes):
        yield
        connection.close()


def open_side(stack: ExitStack, peer: Peer, options: argparse.Namespace) -> Side:
    """Starts a web server on the current database."""
    running = stack.enter_context(run_server(peer, options.keep, False))
    warm_up([running], LISTS)
    requests = {}
    for kind, paths in mix_paths().items():
        requests[kind] = page_request([(path, Expected()) for path in paths])
    [account] = accounts_to_edit(1)
    saved = expect_saved_form()["rollcall"]
    requests["edit (POST)"] = edit_request("/users/{pk}/edit/", saved, account)
    return Side(User.objects.count(), running, requests, running.connect())


def mix_paths() -> dict[str, list[str]]:
    """Returns the pages by kind, which are requested in turn."""
    paths: dict[str, list[str]] = {"list": ["/users/"], "trail": ["/audit/"], "jobs": ["/jobs/"]}
    for kind in ("search", "account", "tab", "form"):
        paths[kind] = []
    for name in NAMES:
        for end in range(2, len(name) + 1, 2):
            paths["search"].append(f"/users/?{urlencode({'q': name[:end]})}")
    for number, pk in enumerate(accounts_to_edit(ACCOUNTS)):
        paths["account"].append(f"/users/{pk}/")
        paths["tab"].append(f"/users/{pk}/{TABS[number % len(TABS)]}/")
        paths["form"].append(f"/users/{pk}/edit/")
    return paths


def size_report(conditions: dict[str, Any], small: Side, large: Side) -> Report:
    heads = ["request", "weight", *(f"{side.accounts:,} accounts: ms" for side in (small, large))]
    lines = []
    for kind, weight in WEIGHTS.items():
        times = (small.median_ms(kind), large.median_ms(kind))
        lines.append([kind, str(weight), *size_cells(*times)])
    lines.append(["the mix", "", *size_cells(small.mix_ms, large.mix_ms)])
    table = markdown_table([*heads, "ratio"], lines)
    note = f"Medians of sequential requests, in turn. Target for the mix: × {TARGET}."
    data = {"small": small.seconds, "large": large.seconds, "ratio": large.mix_ms / small.mix_ms}
    text = "\n\n".join([condition_lines(conditions), table, note])
    return Report(text, {"conditions": conditions} | data)


def size_cells(small: float, large: float) -> list[str]:
    return [three_digits(small), three_digits(large), f"× {large / small:.2f}"]
