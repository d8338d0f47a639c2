"""bin/bench --audit --events N: the time of a page of the audit trail with each of its filters.

N events are written over three years: single changes, refused attempts and bulk jobs, by 200 staff
from 3,000 addresses. Their blocks are indexed as a worker does. Then each filter reads first pages
with random values; pairs with a period take one of a random month.
"""

import time
from collections.abc import Callable
from functools import cache
from random import Random
from statistics import median

from django.db import connection
from django.db.models import Max, Min
from django.http import QueryDict
from django.utils import timezone

from benchmarks.audit_fill import last_id, write_trail
from benchmarks.conditions import run_conditions
from benchmarks.measure import p95
from benchmarks.report import Report, condition_lines, markdown_table
from users.audit.models import AuditEvent
from users.audit.trail.counting import count_events
from users.audit.trail.filter import Position, TrailFilter
from users.audit.trail.finder import find_page
from users.audit.trail.models import AuditBlock
from users.models import User

PAGES = 60  # of each filter
NOTES = """Milliseconds for the ids and the rows of one page, without HTML, in one process; {pages}
pages of each filter with random values, after one to warm up. “Found” is the median number of
events on the page, “early” the pages whose search stopped before they were full."""
SIZES = """
    SELECT pg_total_relation_size('users_auditblock') / 1048576,
        pg_relation_size('audit_block_by_token') / 1048576,
        pg_total_relation_size('users_auditevent') / 1048576
"""


def audit_report(total: int) -> Report:
    rate = write_trail(total)
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")  # as in the web process
        cursor.execute(SIZES)
        sizes = cursor.fetchone()
    chance = Random(16)
    lines = [measure_filter(name, make, chance) for name, make in filters().items()]
    conditions = run_conditions(User.objects.count())
    heads = ["filter", "median ms", "p95 ms", "found", "early"]
    rows = [[name, *map(str, figures)] for name, *figures in lines]
    counts = measure_counts(chance)
    text = "\n\n".join(
        [
            condition_lines(conditions),
            markdown_table(heads, rows),
            f"{AuditEvent.objects.count():,} events, {AuditBlock.objects.count():,} blocks; "
            f"tokens {sizes[0]:,} MB (index {sizes[1]:,} MB) beside events of {sizes[2]:,} MB; "
            f"{rate:,.0f} events indexed a second; counts {counts} ms (median, p95).",
            NOTES.format(pages=PAGES),
        ]
    )
    return Report(text, {"conditions": conditions, "events": total, "rows": lines, "rate": rate})


Queries = dict[str, Callable[[Random], str]]
FIELDS = ("email", "phone", "username", "locale", "attributes", "status")
ACTIONS = ("account.edited", "export.made", "note.added", "account.deleted", "denied")


def filters() -> Queries:
    """Returns a function for each filter that returns a random query string."""
    return {"none": lambda chance: ""} | index_filters() | block_filters() | paired_filters()


def index_filters() -> Queries:
    return {
        "actor": lambda chance: f"actor={stored(chance, 'actor_id')}",
        "target": lambda chance: f"target={stored(chance, 'target_id')}",
        "action": lambda chance: f"action={chance.choice(ACTIONS)}",
        "job": lambda chance: f"job={random_job(chance)}",
        "period": period,
    }


def block_filters() -> Queries:
    return {
        "kind": lambda chance: f"kind={chance.choice(['note', 'export', 'account'])}",
        "outcome": lambda chance: f"outcome={chance.choice(['done', 'refused'])}",
        "field": lambda chance: f"field={chance.choice(FIELDS)}",
        "value, stored": lambda chance: f"value={old_value(chance)}",
        "value, of no event": lambda chance: f"value=none{chance.random()}",
        "text, common": lambda chance: "text=asked by phone",
        "text, ticket": lambda chance: f"text={ticket(chance)}",
        "text, of a job": lambda chance: f"text=wave {random_job(chance)}",
        "text, of no event": lambda chance: "text=xylophone",
        "address": lambda chance: f"ip={stored(chance, 'ip')}",
        "network /24": lambda chance: f"ip={stored(chance, 'ip')}/24",
        "browser": lambda chance: f"browser=curl/8.{chance.randint(0, 8)}",
    }


def paired_filters() -> Queries:
    return {
        "actor+period": lambda chance: f"actor={stored(chance, 'actor_id')}&{period(chance)}",
        "target+action": lambda chance: (
            f"target={stored(chance, 'target_id')}&action={chance.choice(ACTIONS)}"
        ),
        "action+period": lambda chance: f"action={chance.choice(ACTIONS)}&{period(chance)}",
        "field+period": lambda chance: f"field={chance.choice(FIELDS)}&{period(chance)}",
        "address+period": lambda chance: f"ip={stored(chance, 'ip')}&{period(chance)}",
        "job+outcome": lambda chance: (
            f"job={random_job(chance)}&outcome={chance.choice(['done', 'refused'])}"
        ),
    }


def random_event(chance: Random, **conditions: object) -> AuditEvent:
    """Returns the first event after a random id that meets the conditions."""
    events = AuditEvent.objects.filter(pk__gte=chance.randint(1, last_id() - 100), **conditions)
    return events.order_by("pk")[0]


def stored(chance: Random, column: str) -> object:
    return getattr(random_event(chance, **{f"{column}__isnull": False}), column)


def random_job(chance: Random) -> int:
    return random_event(chance, job_id__isnull=False).job_id or 0


def old_value(chance: Random) -> str:
    """Returns a value of the email addresses and names that the events have replaced."""
    event = random_event(chance, job_id=None, before__has_key="email")
    return event.before["email"]


def ticket(chance: Random) -> str:
    return random_event(chance, ticket__gt="").ticket


def period(chance: Random) -> str:
    """Returns the filters of a random month between the first event and the last one."""
    oldest, newest = events_age()
    start = chance.randint(newest + 30, oldest)
    return f"from=-{start}d&to=-{start - 30}d"


@cache
def events_age() -> tuple[int, int]:
    """Returns how many days ago the first and the last event were."""
    times = AuditEvent.objects.aggregate(first=Min("at"), last=Max("at"))
    return tuple((timezone.now() - times[name]).days for name in ("first", "last"))


def measure_filter(name: str, make: Callable[[Random], str], chance: Random) -> tuple:
    """Returns the name, median and p95 in milliseconds, events on a page and early stops."""
    times, found, early = [], [], 0
    for number in range(PAGES + 1):
        wanted = TrailFilter.parse(QueryDict(make(chance)))
        started = time.perf_counter()
        page = find_page(wanted, Position())
        if number:
            times.append(1000 * (time.perf_counter() - started))
            found.append(len(page.rows))
            early += page.capped
    return name, round(median(times), 1), round(p95(times), 1), round(median(found)), early


def measure_counts(chance: Random) -> str:
    times = []
    for make in filters().values():
        for _ in range(3):
            wanted = TrailFilter.parse(QueryDict(make(chance)))
            started = time.perf_counter()
            count_events(wanted)
            times.append(1000 * (time.perf_counter() - started))
    return f"{median(times):.0f}, {p95(times):.0f}"
