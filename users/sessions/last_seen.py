"""Throttled writes of session.last_used_at (5 min) and user.last_seen_at (1 h). Best effort: locked
rows are skipped and cached pages stay valid.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import DatabaseError, connections, router, transaction
from django.utils import timezone

from users.audit.origin import current_origin
from users.models import User
from users.sessions.models import AGENT_MAX, Session

SESSION_INTERVAL = timedelta(minutes=5)
ACCOUNT_INTERVAL = timedelta(hours=1)


def record_last_seen(account: User, session_key: str, used_at: datetime | None) -> None:
    """Nothing as a rule; an UPDATE for what the row just read, of `account` or its session, says is
    some time ago.
    """
    now = timezone.now()
    of_session = used_at is not None and used_at <= now - SESSION_INTERVAL
    of_account = account.last_seen_at is None or account.last_seen_at <= now - ACCOUNT_INTERVAL
    if not of_session and not of_account:
        return
    alias = router.db_for_write(User)
    try:
        with without_waiting(alias), transaction.atomic(using=alias):
            if of_session:
                update_session_use(session_key, now)
            if of_account:
                update_last_seen(account, now)
    except DatabaseError:  # somebody writes; the next request tries again
        pass


def update_session_use(session_key: str, now: datetime) -> None:
    origin = current_origin.get()
    due = Session.objects.select_for_update(skip_locked=True).filter(
        pk=session_key, last_used_at__lte=now - SESSION_INTERVAL
    )
    values = {"last_used_at": now, "ip": origin.ip, "user_agent": origin.user_agent[:AGENT_MAX]}
    Session.objects.filter(pk__in=due.values("pk")).update(**values)


def update_last_seen(account: User, now: datetime) -> None:
    """At most once an hour, however many ask at once: the database compares again."""
    rows = User.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=account.pk)
    due = rows.filter(last_seen_at=None) | rows.filter(last_seen_at__lte=now - ACCOUNT_INTERVAL)
    if User.objects.filter(pk__in=due.values("pk")).update(last_seen_at=now):
        account.last_seen_at = now


@contextmanager
def without_waiting(alias: str) -> Iterator[None]:
    """Now or not at all: SQLite would wait for its one writer."""
    connection = connections[alias]
    if connection.vendor != "sqlite":
        yield
        return
    patience = int(connection.settings_dict["OPTIONS"].get("timeout", 5) * 1000)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience}")
