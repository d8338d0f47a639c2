"""Shows masked personal data once and records it."""

from typing import Any

from django.db import transaction

from users import access
from users.audit.record import record_event
from users.meter.checks import count_reveal
from users.models import State, User
from users.verbs.obstacles import refuse_obstacle, state_obstacle
from users.verbs.transaction import clean_reason, require_reason

REVEALED_ACTION = "account.revealed"
REVEALED_FIELDS = ("username", "email", "phone", "attributes")

REVEAL_OBSTACLES = (state_obstacle(State.ERASED, "This account is {} and has no personal data."),)


def reveal_personal_data(account: User, *, by: Any, reason: str = "") -> User:
    """Returns the account unmasked, and records the names of the revealed fields."""
    with transaction.atomic():
        account = User.objects.get(pk=account.pk)
        access.require(by, "reveal_personal", account)
        check_reason = require_reason if needs_reason(by) else clean_reason
        reason = check_reason(reason)
        refuse_obstacle(account, REVEAL_OBSTACLES)
        count_reveal(by)
        fields = [name for name in REVEALED_FIELDS if getattr(account, name)]
        record_event(
            REVEALED_ACTION, actor=by, target=account, after={"fields": fields}, reason=reason
        )
    return account


def needs_reason(by: Any) -> bool:
    """Returns whether `by` must give a reason. Commands and some roles need none."""
    if isinstance(by, access.CommandActor):
        return False
    return not by.has_perm(access.REVEAL_WITHOUT_REASON)
