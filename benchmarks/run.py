"""A whole run: the pass that counts, the pass that times, the floor; or one of the runs that
measure something else.
"""

import argparse
import sys

from django.db import connection

from benchmarks import bulk as measured
from benchmarks import caching as cached
from benchmarks import index_cost, lines, past, prices
from benchmarks.cache import Cache
from benchmarks.cases import LISTS, Case
from benchmarks.cases import cases as all_cases
from benchmarks.conditions import conditions
from benchmarks.floor import floor
from benchmarks.measure import Effort, Results, count, measure, warm_up
from benchmarks.peers import COLD, PEERS, Peer, Running, serving, with_redis, without_tricks
from benchmarks.report import Report, report
from users.models import User


def cases(options: argparse.Namespace, kept: Cache | None) -> Report:
    """`kept`: where pages are kept, if at all. Raises SystemExit where nothing is called what
    --only says.
    """
    accounts = User.objects.count()
    all_of_them = all_cases(accounts, busy=past.busy() if options.events else None)
    chosen = [case for case in all_of_them if options.only in case.name]
    if not chosen:
        raise SystemExit(f"No case has “{options.only}” in its name.")
    peers = chosen_peers(options, kept)
    where = conditions(accounts, cache=described(kept))
    bare = floor()
    with serving(peers, options.keep, counted=True) as running:
        counted = [(case, count(case, able(case, running))) for case in chosen]
    rows = timed(counted, peers, options)
    return report(where, bare, peers, rows)


def chosen_peers(options: argparse.Namespace, kept: Cache | None) -> list[Peer]:
    """Rollcall with or without its cache, Rollcall without the tricks that --without names, and the
    others if --peers names them; on SQLite there are none.
    """
    rollcall = with_redis(kept.url) if kept else COLD
    others = PEERS[1:] if connection.vendor == "postgresql" else []
    wanted = options.peers.split(",") if options.peers else [peer.name for peer in PEERS]
    return [
        rollcall,
        *(without_tricks(rollcall, names) for names in options.without),
        *(peer for peer in others if peer.name in wanted),
    ]


def described(kept: Cache | None) -> str:
    return (
        f"{kept.version} on this machine, and a memory of each worker" if kept else "none (--cold)"
    )


def timed(
    counted: list[tuple[Case, Results]], peers, options: argparse.Namespace
) -> list[tuple[Case, Results]]:
    effort = Effort(options.repeats, options.limit, options.seconds)
    with serving(peers, options.keep, counted=False) as running:
        warm_up(running, LISTS)
        for number, (case, results) in enumerate(counted, 1):
            print(f"{number}/{len(counted)} {case.name}", file=sys.stderr, flush=True)
            measure(case, able(case, running), results, effort)
    return counted


def able(case: Case, running: list[Running]) -> list[Running]:
    return [each for each in running if each.peer.site in case.paths]


def caching(options: argparse.Namespace, kept: Cache) -> Report:
    where = conditions(User.objects.count(), cache=described(kept))
    return lines.report(where, cached.caching(options, chosen_peers(options, kept), kept))


def bulk(options: argparse.Namespace, kept: Cache) -> Report:
    where = conditions(User.objects.count(), cache=described(kept))
    return measured.bulk(options, chosen_peers(options, kept)[:1], where)


def price_table(options: argparse.Namespace, kept: Cache) -> Report:
    where = conditions(User.objects.count(), cache=described(kept))
    return prices.report(where, prices.prices(options, kept))


def indexes() -> Report:
    return index_cost.indexes()
