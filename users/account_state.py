"""The states of an account, and the condition that selects accounts in one of them."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from users.database.clock import current_time


class State(models.TextChoices):
    """The state of an account at this moment.

    `ended` is never stored: it follows from the end date. Past dates take effect immediately.
    """

    INVITED = "invited", "Invited"
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"
    ENDED = "ended", "Expired"
    DELETED = "deleted", "Deleted"
    ERASED = "erased", "Erased"


STATUSES = [choice for choice in State.choices if choice[0] != State.ENDED]
NOT_DELETED_STATES = (State.INVITED, State.ACTIVE, State.SUSPENDED, State.ENDED)


def in_state(state: str, now: datetime | None = None) -> Q:
    """Returns a condition for accounts in `state` at `now` (default: the current time)."""
    now = now or current_time()
    open_ended = Q(valid_until__isnull=True) | Q(valid_until__gt=now)
    usable = Q(status=State.ACTIVE) | Q(status=State.SUSPENDED, suspended_until__lte=now)
    if state == State.ACTIVE:
        return usable & open_ended
    if state == State.ENDED:
        return usable & Q(valid_until__lte=now)
    if state == State.SUSPENDED:
        return Q(status=State.SUSPENDED) & (
            Q(suspended_until__isnull=True) | Q(suspended_until__gt=now)
        )
    return Q(status=state)
