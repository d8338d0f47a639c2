"""A whole run: the pass that counts, the pass that times, the floor."""

import argparse
import sys

from django.db import connection

from benchmarks import index_cost
from benchmarks.cases import Case
from benchmarks.cases import cases as all_cases
from benchmarks.conditions import conditions
from benchmarks.floor import floor
from benchmarks.measure import Effort, Results, count, measure, warm_up
from benchmarks.peers import PEERS, Running, serving
from benchmarks.report import Report, report
from users.models import User


def cases(options: argparse.Namespace) -> Report:
    """Raises LookupError where nothing is called what --only says."""
    accounts = User.objects.count()
    chosen = [case for case in all_cases(accounts) if options.only in case.name]
    if not chosen:
        raise SystemExit(f"No case has “{options.only}” in its name.")
    wanted = options.peers.split(",") if options.peers else [peer.name for peer in PEERS]
    peers = [peer for peer in PEERS if peer.name in wanted] if connection.vendor == "postgresql" else PEERS[:1]
    where = conditions(accounts, cache="none: Rollcall has no page cache yet, so --cold changes nothing", cold=options.cold)
    bare = floor()
    with serving(peers, options.keep, counted=True) as running:
        counted = [(case, count(case, able(case, running))) for case in chosen]
    rows = timed(counted, peers, options)
    return report(where, bare, peers, rows)


def timed(counted: list[tuple[Case, Results]], peers, options: argparse.Namespace) -> list[tuple[Case, Results]]:
    effort = Effort(options.repeats, options.limit, options.seconds)
    first = {"rollcall": "/users/", "admin": "/admin/users/user/", "tuned": "/tuned/users/user/", "bare": "/bare/"}
    with serving(peers, options.keep, counted=False) as running:
        warm_up(running, first)
        for number, (case, results) in enumerate(counted, 1):
            print(f"{number}/{len(counted)} {case.name}", file=sys.stderr, flush=True)
            measure(case, able(case, running), results, effort)
    return counted


def able(case: Case, running: list[Running]) -> list[Running]:
    return [each for each in running if each.peer.name in case.paths]


def indexes() -> Report:
    return index_cost.indexes()
