"""What verbs are made of: lock, gate, version check, change, last superuser, event; and what they
refuse.
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
    """Locks the row, asks the gate, checks the version; then stores what the block changed, with
    its event.

    `action=None`: people on their own account, which needs no permission. Where nothing changed,
    nothing is written.
    """
    with transaction.atomic():
        guarded = account.is_superuser and lock_superusers()
        account = lock_and_check(account, action, by=by, version=version)
        if account.is_superuser and not guarded:  # it became one since it was loaded
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
        old, new = zip(*changes.values(), strict=True)
        record_event(
            event,
            actor=by,
            target=account,
            before=dict(zip(changes, old, strict=True)),
            after=dict(zip(changes, new, strict=True)),
            reason=reason,
        )


def lock_and_check(account: User, action: str | None, *, by: Any, version: int | None) -> User:
    """The account, locked until the transaction ends, once the gate has been asked and the version
    checked.
    """
    account = lock_account(account)
    if action:
        access.require(by, action, account)
    if version is not None and account.version != version:
        raise EditConflict(account, version)
    return account


def is_permanent_superuser(account: User) -> bool:
    """Whether this is an active superuser whom no date will end."""
    return account.is_superuser and account.is_active and account.valid_until is None


def is_last_superuser(account: User) -> bool:
    """As of now, for those who look. A verb asks only with all superusers locked."""
    return is_permanent_superuser(account) and not has_other_superusers(account)


def has_other_superusers(account: User) -> bool:
    others = User.objects.exclude(pk=account.pk).filter(
        in_state(State.ACTIVE), is_superuser=True, valid_until__isnull=True
    )
    return others.exists()


def refuse_last_superuser(account: User, guarded: bool) -> None:
    if not guarded or not has_other_superusers(account):
        raise VerbRefused(
            "This is the last active superuser. Make someone else a superuser first.", account
        )


def audited_values(account: User, granting: bool) -> dict[str, Any]:
    """What an event may tell of. `granting`: its rights too, which nothing else changes."""
    return {name: getattr(account, name) for name in (*PROFILE_FIELDS, *STATUS_FIELDS)} | (
        access_values(account) if granting else {}
    )


def access_values(account: User) -> dict[str, Any]:
    return {
        "is_staff": account.is_staff,
        "is_superuser": account.is_superuser,
        "groups": sorted(account.groups.values_list("name", flat=True)),
    }


def apply_profile(account: User, changes: dict[str, Any], allowed: tuple[str, ...]) -> None:
    if strange := set(changes) - set(allowed):
        raise ValueError(f"not fields of the profile: {', '.join(sorted(strange))}")
    own = copy(account)
    for name, value in normalise_profile(changes).items():
        setattr(account, name, value)
    require_available(account.username, account.email, own=own)
    if account.email != own.email:
        account.email_verified_at = None


def bump_version(account: User) -> None:
    account.version += 1
    account.updated_at = timezone.now()


def save_account(account: User, **kwargs: Any) -> None:
    """Saves in a savepoint, so that losing a race for a name is a form error and not a broken
    transaction.
    """
    try:
        with transaction.atomic():
            account.save(**kwargs)
    except IntegrityError as error:
        raise taken_error(error) from error


def refuse_deleted(account: User) -> None:
    if account.status == State.DELETED:
        raise VerbRefused(
            "This account is deleted and can’t be changed. Restore it first.", account
        )
    if account.status == State.ERASED:
        raise VerbRefused("This account is erased and can’t be changed.", account)


def post_message_once(kind: Message.Kind, account: User) -> Message:
    """A mail that somebody asks for by hand, with `account` locked: a second click sends no second
    one.
    """
    if account.messages.filter(kind=kind, state=Message.State.WAITING, to=account.email).exists():
        raise VerbRefused("This email is already queued.", account)
    if message := outbox.post_message(kind, account):
        return message
    raise VerbRefused("This account has no address.", account)


def require_future(name: str, moment: datetime | None) -> None:
    """Nothing, or ValidationError at the field `name`. None is no moment, and that is for the
    caller to judge.
    """
    if moment and moment <= timezone.now():
        raise ValidationError({name: "Choose a time in the future."})


def require_reason(reason: str) -> str:
    if not reason.strip():
        raise ValidationError({"reason": "Enter a reason. It is visible in the audit trail."})
    return clean_reason(reason)


def clean_reason(reason: str) -> str:
    reason = reason.strip()
    if len(reason) > REASON_MAX:
        raise ValidationError({"reason": f"A reason has at most {REASON_MAX} characters."})
    if any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in reason):
        raise ValidationError(
            {"reason": "This contains a character that can’t be stored. Remove it."}
        )
    return reason


def require_grant(by: Any, action: str = "assign_roles", **rights: Any) -> None:
    if why := access.grant_refusal(by, **rights):
        raise access.Denied(action, why.reason, why.permission, rights.get("target"))
