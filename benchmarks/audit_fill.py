"""bin/bench --audit: writes the events of a trail, and the tokens of their blocks.

Both are done by a process for each core, without triggers. The indexes of what pages read are built
afterwards. A complete trail is used again; an interrupted one can't be continued.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context

import django
from django.db import connection, transaction
from django.db.models import Max

from benchmarks.index_builds import execute, without_indexes
from benchmarks.past_events import CHAIN_HEAD, SALTS
from users.audit.models import AuditEvent, ChainHead
from users.audit.trail.blocks import BLOCK_SIZE, build_blocks
from users.audit.trail.models import AuditBlock
from users.audit.verification.processes import usable_cores

STAFF = 200
ADDRESSES = 3_000
# Events of each account that has any.
EVENTS_PER_TARGET = 5
DAYS = 3 * 365
# Events that are written, indexed and vacuumed before the next ones, while they are in memory.
STEP = 1_000_000
BATCH = 50_000
# Blocks that a process indexes at a time.
BLOCKS = 10
# Of each JOB_SIZE consecutive events, the first JOB_SHARE belong to one job.
JOB_SHARE = 0.6
JOB_SIZE = 20_000
# `n` counts all events from 1; hashes of it stand for random numbers.
EVENTS = f"""
    INSERT INTO users_auditevent (
        id, at, actor_id, actor_text, action, target_id, target_text, target_version, before, after,
        reason, ticket, ip, user_agent, request_id, session_id, job_id,
        chain_position, chain_salt, chain_previous, chain_hash
    )
    SELECT
        n, now() - interval '1 second' * (%(days)s * 86400.0 * (1 - n::float / %(total)s)),
        1 + actor, 'staff' || actor,
        CASE WHEN in_job THEN (ARRAY['account.suspended', 'account.edited', 'account.imported',
                'account.sessions_ended'])[1 + job %% 4]
            WHEN r1 < 4 THEN 'denied'
            ELSE (ARRAY['account.edited', 'account.edited', 'account.suspended',
                'account.reinstated', 'note.added', 'account.edited', 'account.created',
                'export.made', 'account.deleted', 'account.edited'])[1 + r2 %% 10] END,
        1 + r3 %% %(targets)s, 'person' || r3 %% %(targets)s, 1,
        CASE WHEN in_job THEN '{{"status": "active"}}'::jsonb
            ELSE jsonb_build_object(field, field || r1 || 'old' || r3 %% %(targets)s) END,
        CASE WHEN in_job THEN '{{"status": "suspended"}}'::jsonb
            ELSE jsonb_build_object(field, field || r2 || 'new' || r3 %% %(targets)s) END,
        CASE WHEN in_job THEN 'Clean-up of the year, wave ' || job
            WHEN r1 < 50 THEN 'Asked by phone'
            ELSE 'Ticket from ' || md5((r2 %% 5000)::text) || ' about ' || field END,
        CASE WHEN r2 %% 3 = 0 THEN 'SUP-' || n ELSE '' END,
        ('10.' || r4 %% 4 || '.' || r4 %% 12 || '.' || r4 %% 250)::inet,
        CASE WHEN r4 %% 5 = 0 THEN 'curl/8.' || r4 %% 9 ELSE
            'Mozilla/5.0 (X11; Linux x86_64; rv:1' || r4 %% 40 || '.0) Firefox/1' || r4 %% 40 END,
        md5(n::text), md5(actor || ' ' || n / 2000)::uuid, CASE WHEN in_job THEN job END,
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
QUICK_WRITES = "SET session_replication_role = replica; SET synchronous_commit = off"
# Later events get higher ids.
SEQUENCE = "SELECT setval(pg_get_serial_sequence('users_auditevent', 'id'), %s)"
# PostgreSQL would build it by one process: the table is small without its long arrays.
TOKEN_INDEX = {
    "audit_block_by_token": """
        ALTER TABLE users_auditblock SET (parallel_workers = 2);
        CREATE INDEX audit_block_by_token ON users_auditblock USING gin (tokens);
        ALTER TABLE users_auditblock RESET (parallel_workers)
    """,
}


def write_trail(total: int) -> float:
    """Writes a trail, unless it exists already. Returns the number of events that a process indexed
    in a second; 0 for a trail that exists. Raises SystemExit for another trail.
    """
    if AuditBlock._default_manager.exists():
        require_whole_trail(total)
        return 0.0
    delete_all_events()
    seconds = 0.0
    with without_indexes(AuditEvent, TOKEN_INDEX), indexing_processes() as processes:
        for first in range(1, total + 1, STEP):
            last = min(first + STEP - 1, total)
            write_events(first, last, total)
            seconds += index_events(first, last, processes)
            execute("VACUUM (ANALYZE) users_auditevent")
    execute(CHAIN_HEAD)
    execute(SEQUENCE, total)
    execute("VACUUM (ANALYZE) users_auditevent, users_auditblock")
    return total / seconds if seconds else 0.0


def require_whole_trail(total: int) -> None:
    """Raises SystemExit unless the trail has this number of events and was written to its end,
    where the head of the chain is set.
    """
    if not ChainHead.objects.filter(position=total).exists():
        raise SystemExit(
            f"This folder has a trail that is not one of {total:,} events, or was interrupted. "
            "Use an empty folder."
        )


def last_id() -> int:
    return AuditEvent.objects.aggregate(last=Max("pk"))["last"] or 0


def delete_all_events() -> None:
    """Deletes all events. Before the trail is written, these are the ones that the accounts were
    created with, whose ids do not follow time.
    """
    with transaction.atomic():
        execute("SET LOCAL session_replication_role = replica")
        execute("DELETE FROM users_auditevent")


def write_events(first: int, last: int, total: int) -> None:
    """Writes the events with these numbers, by a connection for each core."""
    starts = range(first, last + 1, BATCH)
    write = partial(write_batch, last=last, total=total)
    with ThreadPoolExecutor(usable_cores()) as threads:
        list(threads.map(write, starts))


def write_batch(first: int, last: int, total: int) -> None:
    """Writes BATCH events from a number on."""
    values = {
        "first": first,
        "last": min(first + BATCH - 1, last),
        "total": total,
        "targets": max(1, total // EVENTS_PER_TARGET),
        "days": DAYS,
        "job_size": JOB_SIZE,
        "share": JOB_SHARE,
        "addresses": ADDRESSES,
        "staff": STAFF,
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(QUICK_WRITES)
            cursor.execute(EVENTS, values)
    finally:
        # The settings and the thread end here.
        connection.close()


def index_events(first: int, last: int, processes: Executor) -> float:
    """Indexes the blocks that these events complete. Returns the seconds of all processes."""
    numbers = list(range(first // BLOCK_SIZE, (last + 1) // BLOCK_SIZE))
    groups = [numbers[at : at + BLOCKS] for at in range(0, len(numbers), BLOCKS)]
    return sum(processes.map(index_group, groups))


def index_group(numbers: list[int]) -> float:
    started = time.perf_counter()
    AuditBlock._default_manager.bulk_create(build_blocks(numbers, position=0))
    return time.perf_counter() - started


@contextmanager
def indexing_processes() -> Iterator[Executor]:
    context = get_context("spawn")
    with ProcessPoolExecutor(usable_cores(), context, initializer=django.setup) as processes:
        yield processes
