"""Shows masked personal data once and records it."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from users import access
from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.database.clock import current_time
from users.exceptions import VerbRefused
from users.models import State, User
from users.row_locks import lock_account
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
        refuse_past_limit(by)
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


def refuse_past_limit(by: Any) -> None:
    """Raises VerbRefused if the person has revealed REVEALS_PER_HOUR accounts in the last hour."""
    if isinstance(by, access.CommandActor):
        return
    # Two requests at the same time must not both be the last one that is allowed.
    lock_account(by)
    since = current_time() - timedelta(hours=1)
    lately = AuditEvent.objects.filter(
        actor_id=by.pk,
        action=REVEALED_ACTION,
        at__gt=since,
    )
    if lately.count() >= settings.REVEALS_PER_HOUR:
        raise VerbRefused(
            f"You have revealed the data of {settings.REVEALS_PER_HOUR} accounts within an hour, "
            "which is the limit. Try again later."
        )
