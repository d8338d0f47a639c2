"""Suspends many accounts with hand-written SQL, which writes the same rows as a bulk job.

It is one transaction of an UPDATE and two INSERT … SELECT.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.database.outside_triggers import without_outside_triggers
from users.jobs.models import Job
from users.models import User

REASON = "Benchmark"
SELECTED = """(status = 'active' OR status = 'suspended' AND suspended_until <= now())
    AND last_seen_at IS NULL AND (valid_until IS NULL OR valid_until > now()) AND id <= %(up_to)s"""
# The query of the directory that selects these accounts.
FILTER = "status=active&never_seen=yes"
ITEMS = f"""INSERT INTO users_jobitem (job_id, account_id, outcome, reason, before, version)
    SELECT %(job)s, id, 'changed', '', jsonb_build_object(
        'status', status, 'status_reason', status_reason, 'suspended_until', suspended_until
    ), version + 1
    FROM users_user WHERE {SELECTED}"""
UPDATE = f"""UPDATE users_user
    SET status = 'suspended', status_reason = %(reason)s, suspended_until = NULL,
        session_epoch = session_epoch + 1, version = version + 1, updated_at = now()
    WHERE {SELECTED}"""
EVENT_VALUES = {
    "at": "now()",
    "target_id": "id",
    "target_text": "username",
    "target_version": "version + 1",
    "before": "jsonb_build_object('status', status, 'status_reason', status_reason)",
    "after": "jsonb_build_object('status', 'suspended', 'status_reason', %(reason)s::text)",
    "job_id": "%(job)s",
}
REACTIVATE = """UPDATE users_user SET status = 'active', status_reason = '' FROM users_jobitem
    WHERE job_id = %s AND outcome = 'changed' AND account_id = users_user.id
        AND status = 'suspended'"""


def suspend_by_hand(up_to: int, number: int) -> tuple[Job, float]:
    """Suspends the accounts. Returns a finished job, and the seconds until the commit."""
    root = User.objects.filter(is_superuser=True).earliest("pk")
    job = Job.objects.create(
        kind="suspend",
        by_id=root.pk,
        by_text=str(root),
        reason=REASON,
        up_to=up_to,
        state=Job.State.DONE,
        changed=number,
        selected=number,
    )
    params: dict[str, Any] = {"up_to": up_to, "job": job.pk, "reason": REASON}
    events, constant = events_sql(root)
    make_checkpoint()
    begin = time.perf_counter()
    with without_timeouts(), transaction.atomic(), connection.cursor() as cursor:
        for statement in (ITEMS, events, UPDATE):
            cursor.execute(statement, constant | params)
            if cursor.rowcount != number:
                raise RuntimeError(f"{cursor.rowcount:,} rows by hand and not {number:,}.")
    return job, time.perf_counter() - begin


def events_sql(root: User) -> tuple[str, dict[str, Any]]:
    """Returns the statement that writes the events, and the parameters that all events share."""
    event = build_event("account.suspended", actor=root, reason=REASON)
    params = {}
    values = dict(EVENT_VALUES)
    for field in AuditEvent._meta.concrete_fields:
        name = str(field.column)
        if name not in values and not field.primary_key:
            values[name] = f"CAST(%({name})s AS {field.db_type(connection)})"
            params[name] = field.get_db_prep_save(getattr(event, field.attname), connection)
    columns = ", ".join(values)
    selected = ", ".join(values.values())
    sql = f"INSERT INTO users_auditevent ({columns})"
    sql += f" SELECT {selected} FROM users_user WHERE {SELECTED}"
    return sql, params


def reactivate_accounts(job: Job) -> None:
    """Makes the accounts active again and vacuums the tables. Events and items remain."""
    with without_timeouts(), connection.cursor() as cursor:
        with transaction.atomic(), without_outside_triggers(connection):
            cursor.execute(REACTIVATE, [job.pk])
        cursor.execute("VACUUM (ANALYZE) users_user")
        cursor.execute("VACUUM (ANALYZE) users_jobitem")


def make_checkpoint() -> None:
    """Makes a checkpoint now, so that none disturbs the measurement."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")


@contextmanager
def without_timeouts() -> Iterator[None]:
    """Removes the timeouts of statements and locks for the block."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET lock_timeout = 0")
        yield
        cursor.execute("RESET statement_timeout")
        cursor.execute("RESET lock_timeout")
