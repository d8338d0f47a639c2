"""The command line of bin/bench.

Models are imported only once the database runs and DATABASE_URL is set.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from django.core.management import CommandError
from django.db import DatabaseError
from redis import RedisError

from benchmarks.optimisations import parse_names

ROOT = Path(__file__).resolve().parents[1]
FEWEST_ACCOUNTS = 1000
FILL_ERRORS = (
    RuntimeError,
    OSError,
    subprocess.CalledProcessError,
    CommandError,
    DatabaseError,
)
# The options that choose another report than that of the cases: functions of benchmarks/run.py.
REPORTS = (
    "indexes",
    "bulk",
    "prices",
    "mix",
    "mail",
    "mail_kills",
    "profile",
    "browser",
    "caching",
    "memory",
    "faults",
    "failover",
    "overhead",
    "dashboard",
    "former",
    "lists",
    "sign_in",
    "against",
    "audit",
)


def main(arguments: list[str]) -> int:
    options = parse_options(arguments)
    signal.signal(signal.SIGTERM, stop_servers)
    # Filling the database removes REDIS_URL from the environment: only Rollcall uses it.
    redis_url = os.environ.get("REDIS_URL", "")
    with ExitStack() as stack:
        try:
            prepare_database(options, stack)
        except FILL_ERRORS as error:
            say(f"The database could not be filled: {error}")
            return 1
        try:
            cache = prepare_cache(options, stack, redis_url)
        except (RuntimeError, OSError, RedisError) as error:
            say(f"The page cache has no Redis: {error}")
            return 1
        report = measure(options, stack, cache)
        say(report.text)
        if options.json:
            options.json.write_text(json.dumps(report.data, indent=1) + "\n")
    return 0


def stop_servers(signal_number: int, frame: FrameType | None) -> NoReturn:
    """Raises SystemExit, so that every `with` block stops its server."""
    sys.exit(128 + signal_number)


def parse_options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/bench", description="Measures Rollcall and its peers on N made-up accounts."
    )
    add_data_options(parser)
    add_report_options(parser)
    add_failure_options(parser)
    add_case_options(parser)
    add_effort_options(parser)
    options = parser.parse_args(arguments)
    check_options(parser, options)
    options.keep = (options.keep or ROOT / "var" / "bench" / str(options.accounts)).resolve()
    return options


def add_data_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--accounts", type=int, required=True, metavar="N", help="at least 1,000")
    events_help = "also write N audit events, and one busy account"
    add("--events", type=int, default=0, metavar="N", help=events_help)
    former_help = "searches of N former values, and what they add to a change"
    add("--former", type=int, default=0, metavar="N", help=former_help)
    add("--sqlite", action="store_true", help="measure Rollcall alone on an SQLite file")
    keep_help = "folder of the filled database (var/bench/N)"
    add("--keep", type=Path, metavar="DIR", help=keep_help)
    add("--json", type=Path, metavar="FILE", help="also write all figures to FILE")


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that choose another report than that of the cases."""
    add = parser.add_argument
    add("--caching", action="store_true", help="what the page cache saves, and what changes cost")
    add("--prices", action="store_true", help="what each optimisation saves on its pages")
    add("--browser", action="store_true", help="the wait of a viewer who types a search")
    memory_help = "the memory of the web processes over MINUTES"
    add("--memory", type=float, default=0, metavar="MINUTES", help=memory_help)
    add("--indexes", action="store_true", help="the size of each index, and its cost in an update")
    add("--audit", action="store_true", help="the filters of the audit trail, over --events N")
    add("--bulk", action="store_true", help="a bulk job, compared with the same SQL by hand")
    add("--mix", action="store_true", help="a support team's mix, with one and two web processes")
    add("--mail", action="store_true", help="emails through the outbox, and by a plain loop")
    profile_help = "write a profile of the first case whose name contains PATTERN"
    add("--profile", default="", metavar="PATTERN", help=profile_help)
    overhead_help = "what these features cost, such as metrics, in alternate short runs"
    add("--overhead", type=parse_names, default=frozenset(), metavar="NAMES", help=overhead_help)
    add("--dashboard", action="store_true", help="the dashboard without a cache, and its rollups")
    add("--lists", action="store_true", help="the look-up of a pasted list of 100,000 lines")
    add("--sign-in", action="store_true", help="whether response times reveal accounts")
    against_help = "the cost of a team's requests, compared with the filled database in DIR"
    add("--against", type=Path, metavar="DIR", help=against_help)


def add_failure_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the reports during which processes are killed."""
    add = parser.add_argument
    faults_help = "kill servers one after another while a simulated team works, for MINUTES"
    add("--faults", type=float, default=0, metavar="MINUTES", help=faults_help)
    failover_help = "lose the host of the PostgreSQL primary, which Patroni replaces, twice"
    add("--failover", action="store_true", help=failover_help)
    kills_help = "kill workers so often while they send 5,000 emails"
    add("--mail-kills", type=int, default=0, metavar="N", help=kills_help)


def add_case_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    only_help = 'only cases whose name contains PATTERN, e.g. "search"'
    add("--only", default="", metavar="PATTERN", help=only_help)
    add("--peers", default="", metavar="NAMES", help="only these peers, e.g. rollcall,bare")
    add("--cold", action="store_true", help="measure Rollcall without its page cache")
    add(
        "--without",
        action="append",
        default=[],
        type=parse_names,
        metavar="NAMES",
        help="also measure Rollcall without these optimisations (docs/benchmarks.md lists them)",
    )


def add_effort_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    select_help = "with --bulk: the number of accounts (a tenth); with --mail: that of emails"
    add("--select", type=int, default=0, metavar="N", help=select_help)
    rate_help = "with --faults and --failover: requests a second (15)"
    add("--rate", type=float, default=15, metavar="N", help=rate_help)
    repeats_help = "sequential requests per case and peer (30)"
    add("--repeats", type=int, default=30, metavar="N", help=repeats_help)
    limit_help = "seconds for these requests, after which three are enough (15)"
    add("--limit", type=float, default=15, metavar="S", help=limit_help)
    seconds_help = "seconds of 8 concurrent clients per case and peer (2); 0 for none"
    add("--seconds", type=float, default=2, metavar="S", help=seconds_help)


def check_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if options.accounts < FEWEST_ACCOUNTS:
        parser.error("--accounts must be 1,000 or more: fewer accounts have no pages.")
    on_postgresql = ("indexes", "events", "bulk", "faults", "failover", "former")
    if options.sqlite and any(getattr(options, name) for name in on_postgresql):
        names = ", ".join(f"--{name}" for name in on_postgresql)
        parser.error(f"With --sqlite there is none of {names}.")
    if options.audit and (options.sqlite or not options.events):
        parser.error("--audit measures PostgreSQL with --events N.")
    if options.prices and (options.cold or options.sqlite or options.without):
        parser.error("--prices goes with none of --cold, --sqlite and --without.")
    if options.against and options.sqlite:
        parser.error("--against compares two databases of PostgreSQL.")
    if options.caching and (options.cold or options.indexes):
        parser.error("--caching goes with neither --cold nor --indexes.")
    if options.peers and "rollcall" not in options.peers.split(","):
        parser.error("--peers must name rollcall, with which the others are compared.")


def prepare_database(options: argparse.Namespace, stack: ExitStack) -> None:
    """Starts the database if necessary and fills it. A server that it starts runs until `stack` is
    closed.
    """
    from benchmarks import fill, server
    from benchmarks.faults import patroni, postgresql

    url = os.environ.get("DATABASE_URL")
    if options.sqlite:
        options.keep.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{options.keep}/rollcall.sqlite3"
    elif options.failover:
        options.cluster, url = stack.enter_context(patroni.run_cluster())
    elif not url:
        run_server = postgresql.run_primary if options.faults else server.run_postgresql
        url = stack.enter_context(run_server(options.keep / "postgresql"))
    fill.fill_database(url, options.accounts, options.keep)


def prepare_cache(options: argparse.Namespace, stack: ExitStack, redis_url: str) -> Any:
    """Returns the Redis of the page cache, or None if the run measures without it."""
    from benchmarks.cache import open_cache

    mails = options.mail or options.mail_kills
    queries = options.indexes or options.audit or options.former or options.lists
    faults = options.faults or options.failover
    if options.cold or queries or options.profile or faults or mails:
        return None
    return stack.enter_context(open_cache(redis_url))


def measure(options: argparse.Namespace, stack: ExitStack, cache: Any) -> Any:
    """Returns the report of the run that the options choose."""
    import django.db

    django.setup()
    from benchmarks import past_events, run

    stack.callback(django.db.connections.close_all)
    if (options.events or options.prices) and not options.audit:
        past_events.write_events(options.events or options.accounts)
    for name in REPORTS:
        if getattr(options, name):
            return getattr(run, f"run_{name}")(options, cache)
    return run.run_cases(options, cache)


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
