"""Sets the time at which an account expires."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError

from users.models import User
from users.verbs.obstacles import DELETED_OBSTACLES, SERVICE_END, refuse_obstacle
from users.verbs.transaction import change_account, clean_reason, require_future
from users.web.time_html import date_text
from users.web.time_zone import local_time

ACTION = "set_end_date"
END_DATE_OBSTACLES = (*DELETED_OBSTACLES, SERVICE_END)


def set_end_date(
    account: User, *, by: Any, until: datetime, reason: str = "", version: int | None = None
) -> User:
    """Sets the time at which the account expires and all its sessions end.

    The time is compared whenever the account is read, so it needs no worker.
    """
    reason = clean_reason(reason)
    require_future("until", until)
    with change_account(
        account,
        ACTION,
        "account.end_date_set",
        by=by,
        version=version,
        reason=reason,
    ) as current:
        refuse_obstacle(current, END_DATE_OBSTACLES)
        created = current.date_joined
        if until <= created:
            day = date_text(local_time(created))
            text = f"The account was created on {day}. Choose a later date."
            raise ValidationError({"until": text})
        current.valid_until = until
    return current
