"""The states of an account, and the condition that selects accounts in one of them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

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


# Quicker than State(value), which lists call for each row.
STATE_BY_VALUE = {state.value: state for state in State}
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


def with_is_active(queryset: Any, conditions: Iterable[Any], lookups: Iterable[str]) -> Any:
    """Returns the accounts with the alias `is_active` if these arguments of filter() name it.

    Other queries go without, because Django resolves the expression even if nothing reads it.
    """
    names = set(lookups)
    for condition in conditions:
        names |= getattr(condition, "referenced_base_fields", set())
    if "is_active" not in names or "is_active" in queryset.query.annotations:
        return queryset
    when_active = models.When(in_state(State.ACTIVE), then=True)
    return queryset.alias(is_active=models.Case(when_active, default=False))
