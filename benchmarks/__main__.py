"""The command line of bin/bench. Nothing here imports a model before the database runs and its
address is known.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from redis import RedisError

from benchmarks.tricks import parse_tricks

ROOT = Path(__file__).resolve().parents[1]


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/bench", description="Measures Rollcall and its peers on N made-up accounts."
    )
    parser.add_argument(
        "--accounts", type=int, required=True, metavar="N", help="how many; 1,000 at least"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures there")
    parser.add_argument(
        "--events",
        type=int,
        default=0,
        metavar="N",
        help="also so many audit events, and one busy account",
    )
    parser.add_argument(
        "--only",
        default="",
        metavar="PATTERN",
        help='only cases whose name has this in it, e.g. "search"',
    )
    parser.add_argument(
        "--peers", default="", metavar="NAMES", help="only these, e.g. rollcall,bare (all)"
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        type=parse_tricks,
        metavar="NAMES",
        help="also Rollcall without these tricks, side by side (docs/benchmarks.md has the names)",
    )
    parser.add_argument(
        "--prices", action="store_true", help="instead: what each trick is worth on its pages"
    )
    parser.add_argument("--cold", action="store_true", help="Rollcall without its page cache")
    parser.add_argument(
        "--caching",
        action="store_true",
        help="instead: what the page cache is worth, and what changes cost",
    )
    parser.add_argument(
        "--indexes",
        action="store_true",
        help="instead: what each index weighs and adds to an update",
    )
    parser.add_argument(
        "--bulk", action="store_true", help="instead: a bulk job against the same effect by hand"
    )
    parser.add_argument(
        "--select", type=int, default=0, metavar="N", help="with --bulk: so many accounts (a tenth)"
    )
    parser.add_argument("--sqlite", action="store_true", help="an SQLite file, and Rollcall alone")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="where the filled database stays (var/bench/N)"
    )
    parser.add_argument(
        "--repeats",
        type=int,
        default=30,
        metavar="N",
        help="sequential requests per case and peer (30)",
    )
    parser.add_argument(
        "--limit",
        type=float,
        default=15,
        metavar="S",
        help="seconds for these, then fewer will do (15)",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=2,
        metavar="S",
        help="of 8 clients per case and peer (2); 0: none",
    )
    options = parser.parse_args(arguments)
    if options.accounts < 1000:
        parser.error("--accounts takes 1,000 or more: with fewer there is nothing to page through.")
    if options.sqlite and (options.indexes or options.events or options.bulk):
        parser.error("--indexes, --events and --bulk measure PostgreSQL.")
    if options.prices and (options.cold or options.sqlite or options.without):
        parser.error("--prices goes with none of --cold, --sqlite and --without.")
    if options.caching and (options.cold or options.indexes):
        parser.error("--caching goes with neither --cold nor --indexes.")
    if options.peers and "rollcall" not in options.peers.split(","):
        parser.error("--peers names rollcall, and those that it is measured against.")
    options.keep = (options.keep or ROOT / "var" / "bench" / str(options.accounts)).resolve()
    return options


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(143)
    )  # the servers are stopped on the way out
    from benchmarks import cache, fill, server

    redis_url = os.environ.get("REDIS_URL", "")  # filling takes it out: it is for Rollcall alone
    with ExitStack() as stack:
        try:
            url = database(options, stack, server)
            fill.fill(url, options.accounts, options.keep)
        except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
            say(f"The database could not be filled: {error}")
            return 1
        try:
            kept = (
                None
                if options.cold or options.indexes
                else stack.enter_context(cache.cache(redis_url))
            )
        except (RuntimeError, OSError, RedisError) as error:
            say(f"There is no Redis to keep pages in: {error}")
            return 1
        import django.db

        django.setup()
        from benchmarks import past, run

        stack.callback(django.db.connections.close_all)
        if options.events or options.prices:
            past.write(options.events or options.accounts)
        found = measured(options, run, kept)
        say(found.text)
        if options.json:
            options.json.write_text(json.dumps(found.data, indent=1) + "\n")
    return 0


def measured(options: argparse.Namespace, run, kept):
    if options.indexes:
        return run.indexes()
    if options.bulk:
        return run.bulk(options, kept)
    if options.prices:
        return run.price_table(options, kept)
    return run.caching(options, kept) if options.caching else run.cases(options, kept)


def database(options: argparse.Namespace, stack: ExitStack, server) -> str:
    """The address of the database to fill; a server of our own runs until `stack` is closed."""
    if options.sqlite:
        options.keep.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{options.keep}/rollcall.sqlite3"
    if url := os.environ.get("DATABASE_URL"):
        return url
    return stack.enter_context(server.postgresql(options.keep / "postgresql"))


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
