"""bin/bench --audit --events N: the time of a page of the audit trail with each of its filters.

N events are written over three years: single changes, refused attempts and bulk jobs, by 200 staff
from 3,000 addresses. Their blocks are indexed as a worker does. Then each filter reads first pages
with random values; pairs with a period take one of a random month.
"""

import time
from collections.abc import Callable
from random import Random
from statistics import median

from django.db import connection
from django.http import QueryDict

from benchmarks.conditions import run_conditions
from benchmarks.measure import p95
from benchmarks.past_events import CHAIN_HEAD, SALTS
from benchmarks.report import Report, condition_lines, markdown_table
from users.audit.models import AuditEvent
from users.audit.trail.blocks import BLOCK_SIZE, index_blocks
from users.audit.trail.counting import count_events
from users.audit.trail.filter import Position, TrailFilter
from users.audit.trail.finder import find_page
from users.audit.trail.models import AuditBlock
from users.models import User

STAFF = 200
ADDRESSES = 3_000
BATCH = 500_000
DAYS = 3 * 365
PAGES = 60  # of each filter
# One event in so many is part of a job, and a job has so many events.
JOB_SHARE = 0.6
JOB_SIZE = 20_000
NOTES = """Milliseconds for the ids and the rows of one page, without HTML, in one process; {pages}
pages of each filter with random values, after one to warm up. “Found” is the median number of
events on the page, “early” the pages whose search stopped before they were full."""

# `n` counts all events from 1; hashes of it stand for random numbers.
EVENTS = f"""
    INSERT INTO users_auditevent (
        at, actor_id, actor_text, action, target_id, target_text, target_version, before, after,
        reason, ticket, ip, user_agent, request_id, job_id,
        chain_position, chain_salt, chain_previous, chain_hash
    )
    SELECT
        now() - interval '1 second' * (%(days)s * 86400.0 * (1 - n::float / %(total)s)),
        1 + actor, 'staff' || actor,
        CASE WHEN in_job THEN (ARRAY['account.suspended', 'account.edited', 'account.imported',
                'account.sessions_ended'])[1 + job %% 4]
            WHEN r1 < 4 THEN 'denied'
            ELSE (ARRAY['account.edited', 'account.edited', 'account.suspended',
                'account.reinstated', 'note.added', 'account.edited', 'account.created',
                'export.made', 'account.deleted', 'account.edited'])[1 + r2 %% 10] END,
        1 + r3 %% %(accounts)s, 'person' || r3 %% %(accounts)s, 1,
        CASE WHEN in_job THEN '{{"status": "active"}}'::jsonb
            ELSE jsonb_build_object(field, field || r1 || 'old' || r3 %% %(accounts)s) END,
        CASE WHEN in_job THEN '{{"status": "suspended"}}'::jsonb
            ELSE jsonb_build_object(field, field || r2 || 'new' || r3 %% %(accounts)s) END,
        CASE WHEN in_job THEN 'Clean-up of the year, wave ' || job
            WHEN r1 < 50 THEN 'Asked by phone'
            ELSE 'Ticket from ' || md5((r2 %% 5000)::text) || ' about ' || field END,
        CASE WHEN r2 %% 3 = 0 THEN 'SUP-' || n ELSE '' END,
        ('10.' || r4 %% 4 || '.' || r4 %% 12 || '.' || r4 %% 250)::inet,
        CASE WHEN r4 %% 5 = 0 THEN 'curl/8.' || r4 %% 9 ELSE
            'Mozilla/5.0 (X11; Linux x86_64; rv:1' || r4 %% 40 || '.0) Firefox/1' || r4 %% 40 END,
        md5(n::text), CASE WHEN in_job THEN job END,
        n, {SALTS.replace("number", "n")}
    FROM (
        SELECT n, 1 + n / %(job_size)s AS job,
            n %% %(job_size)s < %(job_size)s * %(share)s AS in_job,
            abs(hashint8(n)) %% 100 AS r1, abs(hashint8(n + 1)) %% 1000 AS r2,
            abs(hashint8(n + 2)) AS r3, abs(hashint8(n / 3)) %% %(addresses)s AS r4,
            abs(hashint8(CASE WHEN n %% %(job_size)s < %(job_size)s * %(share)s
                THEN n / %(job_size)s ELSE n / 2 END)) %% %(staff)s AS actor,
            (ARRAY['email', 'first_name', 'last_name', 'phone', 'locale', 'email', 'last_name',
                'time_zone', 'username', 'attributes'])[1 + abs(hashint8(n + 4)) %% 10] AS field
        FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
    ) AS numbers
"""
VACUUM = "VACUUM (ANALYZE) users_auditevent, users_auditblock"
CLEAN_GIN = "SELECT gin_clean_pending_list('audit_block_by_token')"
SIZES = """
    SELECT pg_total_relation_size('users_auditblock') / 1048576,
        pg_relation_size('audit_block_by_token') / 1048576,
        pg_total_relation_size('users_auditevent') / 1048576
"""


def write_trail(total: int) -> float:
    """Writes the missing events and indexes their blocks. Returns the events indexed a second."""
    existing = AuditEvent.objects.count()
    values = {
        "total": total,
        "accounts": User.objects.count(),
        "days": DAYS,
        "job_size": JOB_SIZE,
        "share": JOB_SHARE,
        "addresses": ADDRESSES,
        "staff": STAFF,
    }
    with connection.cursor() as cursor:
        for first in range(existing + 1, total + 1, BATCH):
            last = min(first + BATCH - 1, total)
            cursor.execute(EVENTS, values | {"first": first, "last": last})
        cursor.execute(CHAIN_HEAD)
    started = time.perf_counter()
    written = index_blocks(seconds=float("inf"))
    seconds = time.perf_counter() - started
    with connection.cursor() as cursor:
        cursor.execute(CLEAN_GIN)
        cursor.execute(VACUUM)
    return written * BLOCK_SIZE / seconds if written else 0.0


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
    newest = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True)[0]
    events = AuditEvent.objects.filter(pk__gte=chance.randint(1, newest - 100), **conditions)
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
    """Returns the filters of a random month of the three years."""
    start = chance.randint(30, DAYS - 1)
    return f"from=-{start}d&to=-{start - 30}d"


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
