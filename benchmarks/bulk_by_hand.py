"""The rows of a bulk suspension, written by hand: one transaction of an UPDATE and two INSERT …
SELECT.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.jobs.models import Job
from users.models import User

REASON = "Benchmark"
THOSE = """(status = 'active' OR status = 'suspended' AND suspended_until <= now())
    AND last_seen_at IS NULL AND (valid_until IS NULL OR valid_until > now()) AND id <= %(up_to)s"""
# The query of the directory that finds these accounts.
FILTER = "status=active&never_seen=yes"
ITEMS = f"""INSERT INTO users_jobitem (job_id, account_id, outcome, reason, before, version)
    SELECT %(job)s, id, 'changed', '', jsonb_build_object(
        'status', status, 'status_reason', status_reason, 'suspended_until', suspended_until
    ), version + 1
    FROM users_user WHERE {THOSE}"""
UPDATE = f"""UPDATE users_user
    SET status = 'suspended', status_reason = %(reason)s, suspended_until = NULL,
        session_epoch = session_epoch + 1, version = version + 1, updated_at = now()
    WHERE {THOSE}"""
OWN = {
    "at": "now()",
    "target_id": "id",
    "target_text": "username",
    "target_version": "version + 1",
    "before": "jsonb_build_object('status', status, 'status_reason', status_reason)",
    "after": "jsonb_build_object('status', 'suspended', 'status_reason', %(reason)s::text)",
    "job_id": "%(job)s",
}
BACK = """UPDATE users_user SET status = 'active', status_reason = '' FROM users_jobitem
    WHERE job_id = %s AND outcome = 'changed' AND account_id = users_user.id
        AND status = 'suspended'"""


def by_hand(up_to: int, number: int) -> tuple[Job, float]:
    """Suspends the accounts. Returns a finished job of that, and the seconds until it is
    committed.
    """
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
    ready()
    begin = time.perf_counter()
    with unlimited(), transaction.atomic(), connection.cursor() as cursor:
        for statement in (ITEMS, events, UPDATE):
            cursor.execute(statement, constant | params)
            if cursor.rowcount != number:
                raise RuntimeError(f"{cursor.rowcount:,} rows by hand and not {number:,}.")
    return job, time.perf_counter() - begin


def events_sql(root: User) -> tuple[str, dict[str, Any]]:
    """The statement that writes the events, and the parameters that all events share."""
    event = build_event("account.suspended", actor=root, reason=REASON)
    params = {}
    values = dict(OWN)
    for field in AuditEvent._meta.concrete_fields:
        name = str(field.column)
        if name not in values and not field.primary_key:
            values[name] = f"CAST(%({name})s AS {field.db_type(connection)})"
            params[name] = field.get_db_prep_save(getattr(event, field.attname), connection)
    columns = ", ".join(values)
    selected = ", ".join(values.values())
    sql = (
        f"INSERT INTO users_auditevent ({columns}) SELECT {selected} FROM users_user WHERE {THOSE}"
    )
    return sql, params


def take_back(job: Job) -> None:
    """Makes the accounts active again and vacuums the tables. Events and items stay."""
    with unlimited(), connection.cursor() as cursor:
        cursor.execute(BACK, [job.pk])
        cursor.execute("VACUUM (ANALYZE) users_user")
        cursor.execute("VACUUM (ANALYZE) users_jobitem")


def ready() -> None:
    """Makes a checkpoint, so that none falls into the measured time."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")


@contextmanager
def unlimited() -> Iterator[None]:
    """Lifts the limits on statements and locks."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET lock_timeout = 0")
        yield
        cursor.execute("RESET statement_timeout")
        cursor.execute("RESET lock_timeout")
