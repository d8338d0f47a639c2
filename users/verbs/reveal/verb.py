"""Showing somebody what is masked for them, once, with a trace."""

from typing import Any

from django.db import transaction

from users import access
from users.audit.record import record_event
from users.models import User
from users.verbs.transaction import clean_reason, require_reason

REVEALED_FIELDS = ("username", "email", "phone", "attributes")


def reveal_personal_data(account: User, *, by: Any, reason: str = "") -> User:
    """The account as it is. The event says which fields were shown, and never their values."""
    with transaction.atomic():
        account = User.objects.get(pk=account.pk)
        access.require(by, "reveal_personal", account)
        reason = require_reason(reason) if needs_reason(by) else clean_reason(reason)
        fields = [name for name in REVEALED_FIELDS if getattr(account, name)]
        record_event(
            "account.revealed", actor=by, target=account, after={"fields": fields}, reason=reason
        )
    return account


def needs_reason(by: Any) -> bool:
    return not isinstance(by, access.CommandActor) and not by.has_perm(access.REVEAL_WITHOUT_REASON)
