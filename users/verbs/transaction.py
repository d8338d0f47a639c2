"""The steps that verbs share: lock, gate, version check, change, last superuser, event; and the
refusals that they have in common.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from users import access
from users.audit.record import record_event
from users.exceptions import EditConflict, VerbRefused
from users.fields import PROFILE_FIELDS, STATUS_FIELDS, changed_values
from users.mail import outbox
from users.mail.models import Message
from users.models import State, User, in_state
from users.row_locks import lock_account, lock_superusers
from users.sessions import store as sessions
from users.verbs.profile_validation import normalise_profile, require_available, taken_error
from users.web.forms import REASON_MAX

ROLE_ACTIONS = {"assign_roles", "change_groups"}


@contextmanager
def change_account(
    account: User, action: str | None, event: str, *, by: Any, version: int | None, reason: str = ""
) -> Iterator[User]:
    """Locks the row, asks the gate and checks the version; then stores what the block changed, with
    its event.

    `action` is None for people on their own account, which needs no permission. If nothing
    changed, nothing is written.
    """
    with transaction.atomic():
        guarded = account.is_superuser and lock_superusers()
        account = lock_and_check(account, action, by=by, version=version)
        if account.is_superuser and not guarded:
            # It became a superuser since it was loaded.
            guarded = lock_superusers()
        granting = action in ROLE_ACTIONS
        before = audited_values(account, granting)
        was_keeper = is_permanent_superuser(account)
        epoch = account.session_epoch
        yield account
        changes = changed_values(before, audited_values(account, granting))
        if not changes:
            return
        if was_keeper and not is_permanent_superuser(account):
            refuse_last_superuser(account, guarded)
        bump_version(account)
        save_account(account)
        if account.session_epoch != epoch:
            sessions.delete_sessions(account.pk)
        record_event(
            event,
            actor=by,
            target=account,
            before={name: old for name, (old, _) in changes.items()},
            after={name: new for name, (_, new) in changes.items()},
            reason=reason,
        )


def lock_and_check(account: User, action: str | None, *, by: Any, version: int | None) -> User:
    """Returns the account, locked until the transaction ends.

    Raises Denied where the gate refuses, and EditConflict if the version is an older one.
    """
    account = lock_account(account)
    if action:
        access.require(by, action, account)
    if version is not None and account.version != version:
        raise EditConflict(account, version)
    return account


def is_permanent_superuser(account: User) -> bool:
    """Whether this is an active superuser without an end date."""
    return account.is_superuser and account.is_active and account.valid_until is None


def is_last_superuser(account: User) -> bool:
    """Whether this is the last superuser at this moment, for display.

    A verb must lock all superusers before it asks.
    """
    return is_permanent_superuser(account) and not has_other_superusers(account)


def has_other_superusers(account: User) -> bool:
    others = User.objects.exclude(pk=account.pk).filter(
        in_state(State.ACTIVE), is_superuser=True, valid_until__isnull=True
    )
    return others.exists()


def refuse_last_superuser(account: User, guarded: bool) -> None:
    """Raises VerbRefused unless another superuser stays. `guarded`: all superusers are locked."""
    if not guarded or not has_other_superusers(account):
        text = "This is the last active superuser. Make someone else a superuser first."
        raise VerbRefused(text, account)


def audited_values(account: User, granting: bool) -> dict[str, Any]:
    """The values that an event may record. `granting`: also the access, which few verbs change."""
    values = {name: getattr(account, name) for name in (*PROFILE_FIELDS, *STATUS_FIELDS)}
    return values | access_values(account) if granting else values


def access_values(account: User) -> dict[str, Any]:
    return {
        "is_staff": account.is_staff,
        "is_superuser": account.is_superuser,
        "groups": sorted(account.groups.values_list("name", flat=True)),
    }


def apply_profile(account: User, changes: dict[str, Any], allowed: tuple[str, ...]) -> None:
    """Sets the fields on `account`, which is not saved. Raises ValidationError by field.

    The owner of a former address is told there, since the new one may be somebody else's.
    """
    unknown = set(changes) - set(allowed)
    if unknown:
        raise ValueError(f"not fields of the profile: {', '.join(sorted(unknown))}")
    own = copy(account)
    for name, value in normalise_profile(changes).items():
        setattr(account, name, value)
    require_available(account.username, account.email, own=own)
    if account.email != own.email:
        account.email_verified_at = None
        if own.email and own.status != State.INVITED:
            outbox.post_message(Message.Kind.ADDRESS_CHANGED, account, to=own.email)


def bump_version(account: User) -> None:
    account.version += 1
    account.updated_at = timezone.now()


def save_account(account: User, **kwargs: Any) -> None:
    """Saves in a savepoint, so that a name taken by a concurrent request is a form error and the
    transaction can go on.
    """
    try:
        with transaction.atomic():
            account.save(**kwargs)
    except IntegrityError as error:
        raise taken_error(error) from error


def refuse_deleted(account: User) -> None:
    """Raises VerbRefused for a deleted or erased account."""
    if account.status == State.DELETED:
        text = "This account is deleted and can’t be changed. Restore it first."
        raise VerbRefused(text, account)
    if account.status == State.ERASED:
        raise VerbRefused("This account is erased and can’t be changed.", account)


def post_message_once(kind: Message.Kind, account: User) -> Message:
    """Queues an email of this kind to the locked account, unless one is waiting: a second click
    sends no second email.
    """
    waiting = account.messages.filter(
        kind=kind,
        state=Message.State.WAITING,
        to=account.email,
    )
    if waiting.exists():
        raise VerbRefused("This email is already queued.", account)
    message = outbox.post_message(kind, account)
    if message is None:
        raise VerbRefused("This account has no address.", account)
    return message


def require_future(name: str, moment: datetime | None) -> None:
    """Raises ValidationError at the field `name` for a time that has passed. None is accepted."""
    if moment and moment <= timezone.now():
        raise ValidationError({name: "Choose a time in the future."})


def require_reason(reason: str) -> str:
    """Returns the reason as it is stored. Raises ValidationError if it is empty or unusable."""
    if not reason.strip():
        raise ValidationError({"reason": "Enter a reason. It is visible in the audit trail."})
    return clean_reason(reason)


def clean_reason(reason: str) -> str:
    """Returns the reason, which may be empty, as it is stored. Raises ValidationError."""
    reason = reason.strip()
    if len(reason) > REASON_MAX:
        raise ValidationError({"reason": f"A reason has at most {REASON_MAX} characters."})
    if any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in reason):
        text = "This contains a character that can’t be stored. Remove it."
        raise ValidationError({"reason": text})
    return reason


def require_grant(by: Any, action: str = "assign_roles", **rights: Any) -> None:
    """Raises Denied unless `by` may leave an account with these roles and this access level."""
    why = access.grant_refusal(by, **rights)
    if why:
        raise access.Denied(action, why.reason, why.permission, rights.get("target"))
