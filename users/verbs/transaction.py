"""The transaction that verbs share, and the checks that several of them make.

The steps are: lock the row, check the permission and the version, change the account, make
sure that a superuser remains, save, and record the event.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from users import access
from users.administrators import (
    is_administrator,
    lock_administrators,
    require_administrators,
)
from users.audit.record import record_event
from users.database.clock import current_time
from users.email_addresses import email_key
from users.exceptions import EditConflict, VerbRefused
from users.fields import PROFILE_FIELDS, STATUS_FIELDS, changed_values
from users.mail import outbox
from users.mail.models import Message
from users.models import State, User, in_state
from users.row_locks import lock_account
from users.sessions import store as sessions
from users.typed_text import LINE_BREAKS, refuse_hidden
from users.verbs.profile_validation import normalise_profile, require_available, taken_error
from users.web.forms import REASON_MAX

# Actions whose events also record the roles and the access level.
ROLE_ACTIONS = {"assign_roles", "change_groups"}
# So do these events, whatever the action.
ROLE_EVENTS = {"account.groups_added", "account.groups_removed"}
COLUMN_NAMES = [field.attname for field in User._meta.concrete_fields]


@contextmanager
def change_account(
    account: User, action: str | None, event: str, *, by: Any, version: int | None, reason: str = ""
) -> Iterator[User]:
    """Locks and checks the account for the block, then saves its changes and records `event`.

    `action` is None for people who change their own account, which needs no permission. Nothing is
    written if the block changes nothing.
    """
    with transaction.atomic():
        administrators = is_administrator(account) and lock_administrators()
        account = lock_and_check(account, action, by=by, version=version)
        if not administrators and is_administrator(account):
            # It has become an administrator since it was loaded.
            administrators = lock_administrators()
        with_access = action in ROLE_ACTIONS or event in ROLE_EVENTS
        before = audited_values(account, with_access)
        stored = stored_columns(account)
        was_permanent = is_permanent_superuser(account)
        yield account
        changes = changed_values(before, audited_values(account, with_access))
        if not changes:
            return
        if was_permanent and not is_permanent_superuser(account):
            refuse_last_superuser(account, bool(administrators))
        bump_version(account)
        save_account(account, update_fields=changed_columns(account, stored))
        if administrators:
            require_administrators(administrators, by, account)
        if account.session_epoch != stored["session_epoch"]:
            sessions.delete_sessions(account.pk, event=event)
        record_field_changes(event, account, changes, by=by, reason=reason)


def stored_columns(account: User) -> dict[str, Any]:
    """Returns the values of all columns, by attribute."""
    return {name: getattr(account, name) for name in COLUMN_NAMES}


def changed_columns(account: User, stored: dict[str, Any]) -> list[str]:
    """Returns the columns that differ from `stored`."""
    return [name for name, value in stored.items() if getattr(account, name) != value]


def record_field_changes(
    event: str, account: User, changes: dict[str, tuple[Any, Any]], *, by: Any, reason: str
) -> None:
    """Records the event of a change. `changes`: the old and the new value by field."""
    before = {name: old for name, (old, _) in changes.items()}
    after = {name: new for name, (_, new) in changes.items()}
    record_event(
        event,
        actor=by,
        target=account,
        before=before,
        after=after,
        reason=reason,
    )


def lock_and_check(account: User, action: str | None, *, by: Any, version: int | None) -> User:
    """Returns the account, locked until the transaction ends.

    Raises Denied without the permission, and EditConflict if `version` is not the current one.
    """
    account = lock_account(account)
    if action:
        access.require(by, action, account)
    if version is not None and account.version != version:
        raise EditConflict(account, version)
    return account


def is_permanent_superuser(account: User) -> bool:
    """Returns whether this is an active superuser without an end date."""
    return account.is_superuser and account.is_active and account.valid_until is None


def is_last_superuser(account: User) -> bool:
    """Returns whether this is the last permanent superuser, for display.

    Verbs use `refuse_last_superuser`, which requires that all superusers are locked.
    """
    return is_permanent_superuser(account) and not has_other_superusers(account)


def has_other_superusers(account: User) -> bool:
    others = User.objects.exclude(pk=account.pk).filter(
        in_state(State.ACTIVE), is_superuser=True, valid_until__isnull=True
    )
    return others.exists()


def refuse_last_superuser(account: User, superusers_locked: bool) -> None:
    """Raises VerbRefused unless there is another permanent superuser and all are locked."""
    if not superusers_locked or not has_other_superusers(account):
        text = "This is the last active superuser. Make someone else a superuser first."
        raise VerbRefused(text, account)


def audited_values(account: User, with_access: bool) -> dict[str, Any]:
    """Returns the values that an event may record.

    `with_access`: include the roles and the access level, which few verbs change.
    """
    values = {name: getattr(account, name) for name in (*PROFILE_FIELDS, *STATUS_FIELDS)}
    return values | access_values(account) if with_access else values


def access_values(account: User) -> dict[str, Any]:
    """Returns the roles and the access level as events record them."""
    return {
        "is_staff": account.is_staff,
        "is_superuser": account.is_superuser,
        "groups": sorted(account.groups.values_list("name", flat=True)),
    }


def apply_profile(account: User, changes: dict[str, Any], allowed: tuple[str, ...]) -> None:
    """Sets the fields on `account` without saving it. Raises ValidationError by field.

    The owner of a former address is told there, since the new one may be somebody else's.
    """
    unknown = set(changes) - set(allowed)
    if unknown:
        raise ValueError(f"not fields of the profile: {', '.join(sorted(unknown))}")
    own = copy(account)
    for name, value in normalise_profile(changes).items():
        setattr(account, name, value)
    require_available(account.username, account.email, own=own)
    if email_key(account.email) != email_key(own.email):
        account.email_verified_at = None
        account.email_bounced_at = None
        if own.email and own.status != State.INVITED:
            outbox.post_message(Message.Kind.ADDRESS_CHANGED, account, to=own.email)


def bump_version(account: User) -> None:
    account.version += 1
    account.updated_at = current_time()


def save_account(account: User, **kwargs: Any) -> None:
    """Saves the account. Raises ValidationError if a name has just been taken.

    The error rolls back the caller's transaction, which must not continue after it.
    """
    try:
        account.save(**kwargs)
    except IntegrityError as error:
        raise taken_error(error) from error


def require_future(name: str, moment: datetime | None) -> None:
    """Raises ValidationError at the field `name` if the time has passed. None is accepted."""
    if moment and moment <= current_time():
        raise ValidationError({name: "Choose a time in the future."})


def require_reason(reason: str) -> str:
    """Returns the reason as it is stored. Raises ValidationError if it is empty or invalid."""
    if not reason.strip():
        raise ValidationError({"reason": "Enter a reason. It is visible in the audit trail."})
    return clean_reason(reason)


def clean_reason(reason: str) -> str:
    """Returns the reason as it is stored; it may be empty. Raises ValidationError."""
    reason = reason.strip()
    if len(reason) > REASON_MAX:
        raise ValidationError({"reason": f"A reason can have at most {REASON_MAX:,} characters."})
    try:
        return refuse_hidden(reason, LINE_BREAKS)
    except ValidationError as error:
        raise ValidationError({"reason": error.messages}) from error


def require_grant(by: Any, action: str = "assign_roles", **granted: Any) -> None:
    """Raises Denied unless `by` may grant the roles and the access level in `granted`."""
    refusal = access.grant_refusal(by, **granted)
    if refusal:
        raise access.Denied(action, refusal.reason, refusal.permission, granted.get("target"))
