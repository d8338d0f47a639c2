"""bin/bench --former: searches of N former values, and what their table adds to a change.

The values have events of their own only in the part about changes: ids below 1 stand for others.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from random import Random
from statistics import median
from typing import Any
from unittest.mock import patch

from django.db import connection, transaction

from benchmarks.conditions import run_conditions
from benchmarks.index_builds import execute, without_indexes
from benchmarks.measure import p95
from benchmarks.report import Report, condition_lines, markdown_table, three_digits
from users.access import CommandActor
from users.audit.former_rows import former_holders, former_values_of, value_digests
from users.audit.former_values import FormerValue
from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.directory.query import find_former_values
from users.identifiers import normalise_search_text
from users.models import User
from users.verbs.profile.verb import edit_profile

SEARCHES = 200
EDITS = 100
BULK_EVENTS = 1_000
BULK_ROUNDS = 10
ACTOR = CommandActor("bench")
# One pass writes three values of each account. Of the addresses of the first pass, half are at
# old.example, so that a frequent word occurs among the oldest values only.
FILL = """
    INSERT INTO users_formervalue (event_id, field, account_id, until, key, digest)
    SELECT event, field, id, now() - interval '1 minute' * (-event),
        key, ('x' || encode(substr(sha256(convert_to(key, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint
    FROM (
        SELECT id, number, step, %(base)s + 3 * number + step AS event,
            (ARRAY['email', 'last_name', 'phone'])[step] AS field,
            CASE step
                WHEN 1 THEN username || '.' || %(pass)s || '@' || CASE
                    WHEN %(pass)s = 1 AND number %% 2 = 0 THEN 'old.example'
                    WHEN number %% 10 < 6 THEN 'gmail.com'
                    ELSE 'company' || number %% 997 || '.example' END
                WHEN 2 THEN coalesce(nullif(split_part(name_key, ' ', 1), ''), 'doe')
                ELSE '+49151' || (10000000 + (hashint8(id * 31 + %(pass)s)::bigint & 67108863))
            END AS key
        FROM (
            SELECT id, username, name_key, row_number() OVER (ORDER BY id) - 1 AS number
            FROM users_user
        ) AS accounts, generate_series(1, 3) AS step
    ) AS valued
"""
TRIGRAM_INDEX = {
    "former_by_trigram": (
        "CREATE INDEX former_by_trigram ON users_formervalue USING gin (key gin_trgm_ops)"
    ),
}
# As in the web process.
SETTINGS = "SET enable_seqscan = off; SET jit = off; SET plan_cache_mode = force_generic_plan"


def measure_former(options: argparse.Namespace) -> Report:
    fill_values(options.former)
    values = FormerValue.objects.count()
    conditions = run_conditions(User.objects.count(), former_values=f"{values:,}", sizes=sizes())
    with connection.cursor() as cursor:
        cursor.execute(SETTINGS)
    searches = {name: time_calls(calls) for name, calls in search_calls().items()}
    lines = [[name, *figures(seconds)] for name, seconds in searches.items()]
    tables = [
        markdown_table(["search", "median ms", "p95 ms", "slowest ms"], lines),
        markdown_table(["change", "with", "without", "ratio"], change_lines()),
    ]
    data = {name: round(1000 * p95(seconds), 2) for name, seconds in searches.items()}
    text = "\n\n".join([condition_lines(conditions), *tables])
    return Report(text, {"conditions": conditions, "p95_ms": data})


def fill_values(wanted: int) -> None:
    """Fills the table in passes over all accounts, unless it is filled."""
    accounts = User.objects.count()
    passes = round(wanted / (3 * accounts))
    if FormerValue.objects.count() >= passes * 3 * accounts:
        return
    execute("TRUNCATE users_formervalue")
    with without_indexes(FormerValue, TRIGRAM_INDEX), connection.cursor() as cursor:
        for number in range(1, passes + 1):
            base = (number - 1 - passes) * 3 * accounts - 1
            cursor.execute(FILL, {"base": base, "pass": number})
    execute("VACUUM (ANALYZE) users_formervalue")


def sizes() -> str:
    """Returns the sizes of the table and its indexes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_relation_size(oid) / 1000000 FROM pg_class"
            " WHERE relname LIKE 'users_formervalue%' OR relname LIKE 'former_by_%' ORDER BY 1"
        )
        return ", ".join(f"{name} {size:,} MB" for name, size in cursor.fetchall())


def search_calls() -> dict[str, list[Callable[[], Any]]]:
    """Returns the calls of each kind of search, each with other values."""
    chance = Random(1)
    keys = [row_key(chance) for _ in range(SEARCHES)]
    accounts = [row.account_id for row in random_rows(chance, SEARCHES)]
    calls = {name: list(map(word_search, words)) for name, words in word_lists(keys).items()}
    calls["a whole value"] = [partial(whole_value, key) for key in keys]
    calls["values of an account"] = [partial(former_values_of, pk, limit=50) for pk in accounts]
    return calls


def word_lists(keys: list[str]) -> dict[str, list[tuple[str, ...]]]:
    """Returns the words of searches by the name of their kind. `keys`: random values."""
    chance = Random(2)
    users = User.objects.exclude(last_name="")
    last_names = users.values_list("last_name", flat=True)[:SEARCHES]
    names = list(map(normalise_search_text, last_names))
    parts = [key[1:9] for key in keys]
    absent = [f"{chance.getrandbits(40):x}" for _ in keys]
    triples = [key[2:5] for key in keys]
    unknown = [f"x{key}" for key in keys]
    words = {
        "a part of a value": parts,
        "no match": absent,
        "an address that nobody had": unknown,
        "a frequent word": ["gmail", "company", "gmail.com"] * (SEARCHES // 3),
        "a frequent word of the oldest values": ["old.example"] * (SEARCHES // 4),
        "three characters": triples,
        "a last name": names,
    }
    searches: dict[str, list[tuple[str, ...]]] = {}
    for name, each in words.items():
        searches[name] = [(word,) for word in each]
    searches["a name and a part of an address"] = list(zip(names, parts, strict=False))
    return searches


def word_search(words: tuple[str, ...]) -> Callable[[], Any]:
    return partial(find_former_values, words, limit=6)


def whole_value(key: str) -> list[Any]:
    return former_holders(value_digests(key), limit=6)


def random_rows(chance: Random, number: int) -> list[FormerValue]:
    first = FormerValue.objects.order_by("event_id").values_list("event_id", flat=True)[0]
    events = [chance.randint(first, 0) for _ in range(number)]
    return list(FormerValue.objects.filter(event_id__in=events))


def row_key(chance: Random) -> str:
    return random_rows(chance, 1)[0].key


def time_calls(calls: list[Callable[[], Any]]) -> list[float]:
    seconds = []
    for call in calls:
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return seconds


def figures(seconds: list[float]) -> list[str]:
    return [three_digits(1000 * each) for each in (median(seconds), p95(seconds), max(seconds))]


def change_lines() -> list[list[str]]:
    """Returns what a change takes with the former value and without it, in turn."""
    lines = []
    changes = {"edit of a name": edit, "1,000 events with a value": insert_events}
    for name, change in changes.items():
        times: dict[bool, list[float]] = {True: [], False: []}
        for number in range(EDITS if change is edit else BULK_ROUNDS):
            for records in sorted(times, reverse=bool(number % 2)):
                times[records].append(time_change(change, number, records=records))
        with_it, without = (1000 * median(times[records]) for records in (True, False))
        ratio = f"{with_it / without:.2f}"
        lines.append([name, f"{with_it:.2f} ms", f"{without:.2f} ms", ratio])
    return lines


def time_change(change: Callable[[int], None], number: int, *, records: bool) -> float:
    """Returns the seconds of a change whose transaction is rolled back."""
    with transaction.atomic():
        begin = time.perf_counter()
        if records:
            change(number)
        else:
            with patch("users.audit.models.record_former_values"):
                change(number)
        seconds = time.perf_counter() - begin
        transaction.set_rollback(True)
    return seconds


def edit(number: int) -> None:
    account = User.objects.filter(status="active").order_by("pk")[1_000 + number]
    edit_profile(account, by=ACTOR, version=None, last_name=f"Bench {number}")


def insert_events(number: int) -> None:
    """Changes the last name of accounts with their events, as an import does."""
    start = number * BULK_EVENTS % max(1, User.objects.count() - BULK_EVENTS)
    events = []
    for account in User.objects.order_by("pk")[start : start + BULK_EVENTS]:
        before = {"last_name": account.last_name or "Doe"}
        account.last_name = f"Bench {account.pk}"
        account.save(update_fields=["last_name"])
        after = {"last_name": account.last_name}
        events.append(
            build_event(
                "account.updated_by_import",
                actor=ACTOR,
                target=account,
                before=before,
                after=after,
            )
        )
    AuditEvent.objects.bulk_create(events)
