"""The day on which an account ends by itself."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError

from users.models import User
from users.verbs.transaction import change_account, clean_reason, refuse_deleted, require_future

ACTION = "set_end_date"


def set_end_date(
    account: User, *, by: Any, until: datetime, reason: str = "", version: int | None = None
) -> User:
    """From `until` on nobody signs in to it, and its sessions are over; no worker has to run for
    that.
    """
    reason = clean_reason(reason)
    require_future("until", until)
    with change_account(
        account, ACTION, "account.end_date_set", by=by, version=version, reason=reason
    ) as current:
        refuse_deleted(current)
        if until <= current.date_joined:
            raise ValidationError(
                {
                    "until": f"The account was created on {current.date_joined:%-d %b %Y}."
                    " Choose a later date."
                }
            )
        current.valid_until = until
    return current
