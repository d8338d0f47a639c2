"""Decides who needs a second factor, and from when on.

The settings SECOND_FACTOR_REQUIRED and SECOND_FACTOR_GRACE_DAYS say so. The grace period begins
with the first request of an account that needs a factor and has none. It never begins again: who
removes a factor, or whose factor is reset, needs a new one at once.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from users.database.clock import current_time
from users.models import User
from users.sessions.models import GracePeriod

NONE, STAFF, SUPERUSERS = "none", "staff", "superusers"
# The start of a grace period that is over, whatever the settings say.
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def has_second_factor(account: Any) -> bool:
    return bool(account.has_second_factor)


def needs_second_factor(account: Any) -> bool:
    """Returns whether the settings demand a second factor of the account, now or later. Nobody
    signs in to a service account.
    """
    if account.is_service:
        return False
    if settings.SECOND_FACTOR_REQUIRED == STAFF:
        return bool(account.is_staff)
    if settings.SECOND_FACTOR_REQUIRED == SUPERUSERS:
        return bool(account.is_staff and account.is_superuser)
    return False


def grace_end(account: User) -> datetime | None:
    """Returns when the account must have a second factor; None if it has one or needs none. It
    begins the grace period.
    """
    if has_second_factor(account) or not needs_second_factor(account):
        return None
    # Read with the viewer, so that only their first request comes here.
    started_at = getattr(account, "grace_started_at", None) or start_grace_period(account.pk)
    return started_at + timedelta(days=settings.SECOND_FACTOR_GRACE_DAYS)


def start_grace_period(account_id: int) -> datetime:
    """Begins the grace period of an account, and returns when it began."""
    period, _ = GracePeriod.objects.get_or_create(
        account_id=account_id, defaults={"started_at": current_time()}
    )
    return period.started_at


def second_factor_required(account: User) -> bool:
    """Returns whether the account must set up a second factor before anything else."""
    end = grace_end(account)
    return end is not None and end <= current_time()


def end_grace_period(account_id: int) -> None:
    """Makes a second factor necessary at once when the account has none any more."""
    GracePeriod.objects.update_or_create(account_id=account_id, defaults={"started_at": LONG_AGO})
