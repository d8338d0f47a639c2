"""Erases all personal data of an account. The row, its ID and the audit chain stay.

Every column that is not in KEPT_COLUMNS is reset, so new columns are erased by default. Other rooms
register steps that remove their data about the person (users/forgetting.py).
"""

import re
import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from users import access
from users.administrators import (
    is_administrator,
    lock_administrators,
    permanent_administrators,
    require_administrators,
)
from users.audit.chain import seal_event
from users.audit.origin import current_origin
from users.audit.record import record_event
from users.database.clock import current_time
from users.exceptions import EditConflict
from users.fields import PERSONAL_FIELDS
from users.forgetting import Erasure, forget_person
from users.models import State, User
from users.row_locks import lock_account
from users.verbs.obstacles import refuse_obstacle, state_obstacle
from users.verbs.transaction import (
    bump_version,
    is_permanent_superuser,
    refuse_last_superuser,
    require_reason,
    save_account,
)

# Columns without personal data, or that the row needs to stay valid.
KEPT_COLUMNS = {
    "id",
    "password",
    "status",
    "date_joined",
    "updated_at",
    "deleted_at",
    "version",
    "session_epoch",
    "source",
}
ERASURE_OBSTACLES = (state_obstacle(State.ERASED, "This account is already erased."),)
# The shortest name that a reason must not contain. Shorter ones occur in too many words.
MIN_NAME_LENGTH = 3
NAMED_IN_REASON = "The reason is kept, so it must not name the person. Remove names and addresses."
NAMED_IN_TICKET = "The ticket is kept, so it must not name the person."


def erase_account(
    account: User, *, by: Any, reason: str, reserve: bool = True, version: int | None = None
) -> User:
    """Erases the account permanently and returns it.

    `reserve`: reserve the username and the email address, so that no one can use them again.
    `reason` and the ticket must not name the person. Raises access.Denied, EditConflict,
    VerbRefused or ValidationError.
    """
    reason = require_reason(reason)
    with transaction.atomic():
        account = lock_for_erasure(account)
        access.require(by, "erase", account)
        if version is not None and account.version != version:
            raise EditConflict(account, version)
        refuse_erasure(account)
        refuse_name(account, reason=reason)
        before = {"status": account.status}
        forget_person(Erasure(account=account, by=by, reserve=reserve))
        save_blank_account(account, by)
        event = record_event(
            "account.erased",
            actor=by,
            target=account,
            before=before,
            after=erasure_event_values(account, reserve),
            reason=reason,
        )
        # The verification accepts erased values only if this event stands later in the chain.
        seal_event(event)
    return account


def lock_for_erasure(account: User) -> User:
    """Returns the account, freshly read and locked. Locks all administrators first if it is one."""
    locked = is_administrator(account) and lock_administrators()
    account = lock_account(account)
    # It may have become an administrator since it was loaded.
    if not locked and is_administrator(account):
        lock_administrators()
    return account


def refuse_erasure(account: User) -> None:
    """Raises VerbRefused for an erased account, and for the last active superuser."""
    refuse_obstacle(account, ERASURE_OBSTACLES)
    if is_permanent_superuser(account):
        refuse_last_superuser(account, superusers_locked=True)


def save_blank_account(account: User, by: Any) -> None:
    """Resets and saves the row. Raises VerbRefused if too few administrators are left."""
    # They are locked if it is one of them.
    before = permanent_administrators().count() if is_administrator(account) else 0
    blank_account(account)
    save_account(account)
    if before:
        require_administrators(before, by, account)


def blank_account(account: User) -> None:
    """Resets the row. A random username keeps it unique."""
    for field in User._meta.concrete_fields:
        if field.attname not in KEPT_COLUMNS:
            setattr(account, field.attname, field.get_default())
    account.groups.clear()
    account.user_permissions.clear()
    account.username = f"erased-{secrets.token_hex(10)}"
    account.set_unusable_password()
    account.status = State.ERASED
    account.deleted_at = account.deleted_at or current_time()
    account.session_epoch += 1
    bump_version(account)


def erasure_event_values(account: User, reserve: bool) -> dict[str, Any]:
    """Returns the values that the event records after the erasure."""
    values: dict[str, Any] = {"status": account.status}
    if reserve:
        values["names_reserved"] = True
    return values


def refuse_name(account: User, *, reason: str) -> None:
    """Raises ValidationError if the reason or the ticket, which are kept, name the person."""
    ticket = current_origin.get().ticket
    names = [getattr(account, column) for column in PERSONAL_FIELDS]
    for name in names:
        if len(name) < MIN_NAME_LENGTH:
            continue
        if contains_name(reason, name):
            raise ValidationError({"reason": NAMED_IN_REASON})
        if contains_name(ticket, name):
            raise ValidationError({"ticket": NAMED_IN_TICKET})


def contains_name(text: str, name: str) -> bool:
    """Returns whether `text` contains `name` as whole words."""
    return bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE))
