"""Runs one kind of measurement from the options to its report."""

import argparse
import os
import sys

from django.db import connection

from benchmarks import (
    audit,
    bulk_cost,
    caching_cost,
    dashboard_cost,
    former_cost,
    index_cost,
    lists_cost,
    mail_cost,
    mail_kills,
    memory,
    overhead,
    page_profile,
    past_events,
    prices,
    sign_in_times,
    size_cost,
    team_mix,
    typing_wait,
)
from benchmarks.cache import Cache
from benchmarks.caching_report import caching_report
from benchmarks.cases import LISTS, Case, all_cases
from benchmarks.conditions import run_conditions
from benchmarks.faults.failover import measure_failover
from benchmarks.faults.run import measure_faults
from benchmarks.floor import measure_floor
from benchmarks.measure import Effort, Results, count_queries, measure_case, warm_up
from benchmarks.peers import (
    COLD,
    PEERS,
    Peer,
    Running,
    rollcall_with_redis,
    run_servers,
    with_plain_django,
)
from benchmarks.report import Report, case_report
from users.models import User


def run_cases(options: argparse.Namespace, cache: Cache | None) -> Report:
    """Counts the queries of each case, then times it. `cache`: the page cache, if there is one.

    Raises SystemExit if no case has the name that --only gives.
    """
    accounts = User.objects.count()
    busy = past_events.busy_account() if options.events else None
    cases = [case for case in all_cases(accounts, busy=busy) if options.only in case.name]
    if not cases:
        raise SystemExit(f"No case has “{options.only}” in its name.")
    peers = chosen_peers(options, cache)
    conditions = run_conditions(accounts, cache=cache_description(cache))
    floor = measure_floor()
    with run_servers(peers, options.keep, counted=True) as running:
        counted = [(case, count_queries(case, peers_with_page(case, running))) for case in cases]
    rows = measure_cases(counted, peers, options)
    return case_report(conditions, floor, peers, rows)


def chosen_peers(options: argparse.Namespace, cache: Cache | None) -> list[Peer]:
    """Returns Rollcall with or without its cache, Rollcall without the optimisations that --without
    names, and the other peers that --peers names; on SQLite there are none.
    """
    rollcall = rollcall_with_redis(cache.url) if cache else COLD
    names = options.peers.split(",") if options.peers else list(LISTS)
    others = PEERS[1:] if connection.vendor == "postgresql" else []
    variants = [with_plain_django(rollcall, left_out) for left_out in options.without]
    wanted = [peer for peer in others if peer.name in names]
    return [rollcall, *variants, *wanted]


def cache_description(cache: Cache | None) -> str:
    if cache is None:
        return "none (--cold)"
    return f"{cache.version} on this machine, and the memory of each worker"


def measure_cases(
    counted: list[tuple[Case, Results]], peers: list[Peer], options: argparse.Namespace
) -> list[tuple[Case, Results]]:
    effort = Effort(options.repeats, options.limit, options.seconds)
    with run_servers(peers, options.keep, counted=False) as running:
        warm_up(running, LISTS)
        for number, (case, results) in enumerate(counted, 1):
            print(f"{number}/{len(counted)} {case.name}", file=sys.stderr, flush=True)
            measure_case(case, peers_with_page(case, running), results, effort)
    return counted


def peers_with_page(case: Case, running: list[Running]) -> list[Running]:
    return [each for each in running if each.peer.site in case.paths]


def run_caching(options: argparse.Namespace, cache: Cache) -> Report:
    conditions = run_conditions(User.objects.count(), cache=cache_description(cache))
    lines = caching_cost.measure_caching(options, chosen_peers(options, cache), cache)
    return caching_report(conditions, lines)


def run_bulk(options: argparse.Namespace, cache: Cache) -> Report:
    conditions = run_conditions(User.objects.count(), cache=cache_description(cache))
    rollcall = chosen_peers(options, cache)[:1]
    return bulk_cost.measure_bulk(options, rollcall, conditions)


def run_prices(options: argparse.Namespace, cache: Cache) -> Report:
    conditions = run_conditions(User.objects.count(), cache=cache_description(cache))
    return prices.price_report(conditions, prices.measure_all(options, cache))


def run_browser(options: argparse.Namespace, cache: Cache | None) -> Report:
    conditions = run_conditions(User.objects.count(), cache=cache_description(cache))
    waits = typing_wait.measure_waits(options, chosen_peers(options, cache)[0])
    return typing_wait.wait_report(conditions, waits)


def run_mix(options: argparse.Namespace, cache: Cache | None) -> Report:
    conditions = run_conditions(User.objects.count(), cache=cache_description(cache))
    return team_mix.measure_mix(options, chosen_peers(options, cache)[0], conditions)


def run_overhead(options: argparse.Namespace, cache: Cache) -> Report:
    conditions = run_conditions(User.objects.count(), cache=cache_description(cache))
    return overhead.measure_overhead(options, chosen_peers(options, cache)[0], conditions)


def run_dashboard(options: argparse.Namespace, cache: Cache | None) -> Report:
    conditions = run_conditions(User.objects.count(), cache=cache_description(cache))
    wanted = [peer for peer in chosen_peers(options, cache) if peer.site in ("rollcall", "bare")]
    return dashboard_cost.measure_dashboard(options, wanted, conditions)


def run_former(options: argparse.Namespace, cache: Cache | None) -> Report:
    return former_cost.measure_former(options)


def run_lists(options: argparse.Namespace, cache: Cache | None) -> Report:
    return lists_cost.measure_lists(options)


def run_sign_in(options: argparse.Namespace, cache: Cache | None) -> Report:
    conditions = run_conditions(User.objects.count(), cache=cache_description(cache))
    return sign_in_times.measure_sign_in(options, chosen_peers(options, cache)[0], conditions)


def run_against(options: argparse.Namespace, cache: Cache | None) -> Report:
    conditions = run_conditions(User.objects.count(), cache=cache_description(cache))
    return size_cost.measure_sizes(options, chosen_peers(options, cache)[0], conditions)


def run_profile(options: argparse.Namespace, cache: None) -> Report:
    return Report(page_profile.profile_case(options), {})


def run_mail(options: argparse.Namespace, cache: Cache | None) -> Report:
    return mail_cost.measure_mail(options, run_conditions(User.objects.count()))


def run_mail_kills(options: argparse.Namespace, cache: Cache | None) -> Report:
    return mail_kills.measure_kills(options, run_conditions(User.objects.count()))


def run_memory(options: argparse.Namespace, cache: Cache | None) -> Report:
    return memory.measure_memory(options, chosen_peers(options, cache)[0])


def run_faults(options: argparse.Namespace, cache: None) -> Report:
    primary = os.environ["DATABASE_URL"]
    return measure_faults(options, primary, run_conditions(User.objects.count()))


def run_failover(options: argparse.Namespace, cache: None) -> Report:
    url = os.environ["DATABASE_URL"]
    return measure_failover(options, options.cluster, url, run_conditions(User.objects.count()))


def run_audit(options: argparse.Namespace, cache: None) -> Report:
    return audit.audit_report(options.events)


def run_indexes(options: argparse.Namespace, cache: None) -> Report:
    return index_cost.index_report()
