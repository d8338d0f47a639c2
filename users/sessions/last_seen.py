"""Throttled writes of Session.last_used_at (5 min) and User.last_seen_at (1 h, and each sign-in).

Those of a request are best effort: locked rows are skipped. Cached pages stay valid.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connections, router, transaction

from users.audit.origin import current_origin
from users.database.clock import current_time
from users.models import User
from users.sessions.models import AGENT_MAX, Session

SESSION_INTERVAL = timedelta(minutes=5)
ACCOUNT_INTERVAL = timedelta(hours=1)


def record_last_seen(account: User, session: Any, used_at: datetime | None) -> None:
    """Updates the session and the account if their times, as just loaded, are too old."""
    now = current_time()
    is_session_due = used_at is not None and used_at <= now - SESSION_INTERVAL
    seen_at = account.last_seen_at
    is_account_due = seen_at is None or seen_at <= now - ACCOUNT_INTERVAL
    if not is_session_due and not is_account_due:
        return
    alias = router.db_for_write(User)
    try:
        with without_waiting(alias), transaction.atomic(using=alias):
            if is_session_due:
                update_session_use(session, now)
            if is_account_due:
                update_last_seen(account, now)
    except DatabaseError:
        # The row or the database is locked. The next request tries again.
        pass


def record_sign_in_time(account: User) -> None:
    """Updates the account, whenever it was last seen: staff ask whether someone has just got in.

    Signing in has already waited for the row, since Django writes `last_login`.
    """
    account.last_seen_at = current_time()
    User.objects.filter(pk=account.pk).update(last_seen_at=account.last_seen_at)


def update_session_use(session: Any, now: datetime) -> None:
    """Updates the row, and with it when the session ends."""
    origin = current_origin.get()
    due = Session.objects.select_for_update(skip_locked=True).filter(
        pk=session.session_key, last_used_at__lte=now - SESSION_INTERVAL
    )
    values = {
        "last_used_at": now,
        "expire_date": session.get_expiry_date(),
        "ip": origin.ip,
        "user_agent": origin.user_agent[:AGENT_MAX],
    }
    Session.objects.filter(pk__in=due.values("pk")).update(**values)


def update_last_seen(account: User, now: datetime) -> None:
    """Updates the account unless a concurrent request has: the database compares again."""
    rows = User.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=account.pk)
    due = rows.filter(last_seen_at=None) | rows.filter(last_seen_at__lte=now - ACCOUNT_INTERVAL)
    if User.objects.filter(pk__in=due.values("pk")).update(last_seen_at=now):
        account.last_seen_at = now


@contextmanager
def without_waiting(alias: str) -> Iterator[None]:
    """Makes SQLite fail at once, and not wait, while another connection writes."""
    connection = connections[alias]
    if connection.vendor != "sqlite":
        yield
        return
    timeout = int(connection.settings_dict["OPTIONS"].get("timeout", 5) * 1000)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {timeout}")
