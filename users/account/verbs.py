"""Every change of an account. One verb: lock, gate, version check, change, audit event, mail, in one transaction.

Each takes `by` (an account or a users.access.Command) and returns the account as it is now. Each raises
access.Denied (not allowed), Stale (changed since `version`), Refused (its state does not allow it) or ValidationError.
`version=None` skips the version check: for callers that act on the state and not on what somebody saw.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from users import access
from users.account.errors import Refused, Stale
from users.account.identity import normal, require_free, taken
from users.audit.record import record
from users.mail import outbox
from users.mail.models import Message
from users.models import State, User, in_state

PROFILE = ("username", "email", "first_name", "last_name", "phone", "locale", "time_zone")
OWN_PROFILE = ("first_name", "last_name", "phone", "locale", "time_zone")
REASON_MAX = 2000


def invite(
    *, by: Any, groups: Iterable[Group] = (), is_staff: bool = False, is_superuser: bool = False, **profile: str
) -> User:
    """A new account that waits for its owner, and the mail with which they choose a password."""
    access.require(by, "invite")
    groups, is_staff = list(groups), is_staff or is_superuser
    if is_staff or groups:
        access.require(by, "assign_roles")
        require_grant(by, groups=groups, is_staff=is_staff, is_superuser=is_superuser)
    profile = normal(profile)
    if not profile.get("email"):
        raise ValidationError({"email": "An invitation needs an address to go to."})
    account = User(status=State.INVITED, is_staff=is_staff, is_superuser=is_superuser, **profile)
    account.set_unusable_password()
    with transaction.atomic():
        require_free(account.username, account.email)
        store(account, force_insert=True)
        account.groups.set(groups)
        after = {name: getattr(account, name) for name in PROFILE if getattr(account, name)}
        after |= {"status": account.status} | rights(account)
        record("account.invited", actor=by, target=account, after=after)
        outbox.post(Message.Kind.INVITATION, account)
    return account


def invite_again(account: User, *, by: Any) -> User:
    """The invitation once more, for a person who lost it or came too late."""
    with transaction.atomic():
        account = lock(account)
        access.require(by, "invite", account)
        if account.state != State.INVITED:
            raise Refused(f"This account is {account.state.label.lower()}: there is no invitation to send again.", account)
        if not outbox.post(Message.Kind.INVITATION, account):
            raise Refused("This account has no address to send an invitation to.", account)
        record("account.invited_again", actor=by, target=account)
    return account


def edit(account: User, *, by: Any, version: int | None, **changes: Any) -> User:
    """New values for fields of PROFILE. A new address is an unverified one."""
    with changing(account, "edit", "account.edited", by=by, version=version) as current:
        refuse_gone(current)
        apply_profile(current, changes, PROFILE)
    return current


def edit_own_profile(account: User, *, version: int | None, **changes: Any) -> User:
    """What people may change about themselves: fields of OWN_PROFILE."""
    with changing(account, None, "account.edited", by=account, version=version) as current:
        apply_profile(current, changes, OWN_PROFILE)
    return current


def suspend(account: User, *, by: Any, reason: str, until: datetime | None = None, version: int | None = None) -> User:
    """Nobody signs in to it, and its sessions end at their next request; until `until`, or until it is reinstated."""
    reason = require_reason(reason)
    if until and until <= timezone.now():
        raise ValidationError({"until": "Choose a time in the future."})
    with changing(account, "suspend", "account.suspended", by=by, version=version, reason=reason) as current:
        if current.state not in (State.ACTIVE, State.INVITED, State.ENDED):
            raise Refused(f"This account is already {current.state.label.lower()}.", current)
        current.status, current.status_reason, current.suspended_until = State.SUSPENDED, reason, until
        current.session_epoch += 1
    return current


def reinstate(account: User, *, by: Any, reason: str = "", version: int | None = None) -> User:
    """Ends a suspension. An account that never had a password is invited again rather than active."""
    reason = clean_reason(reason)
    with changing(account, "reinstate", "account.reinstated", by=by, version=version, reason=reason) as current:
        if current.status != State.SUSPENDED:
            raise Refused(f"This account is {current.state.label.lower()}, not suspended.", current)
        current.status = State.ACTIVE if current.has_usable_password() or current.last_login else State.INVITED
        current.status_reason, current.suspended_until = "", None
    return current


def assign_roles(
    account: User, *, by: Any, groups: Iterable[Group], is_staff: bool, is_superuser: bool, version: int | None = None
) -> User:
    """Exactly these roles, staff or not, superuser or not. A superuser is always staff."""
    groups = list(groups)
    is_staff = is_staff or is_superuser
    with changing(account, "assign_roles", "account.roles_assigned", by=by, version=version) as current:
        refuse_gone(current)
        require_grant(by, groups=groups, is_staff=is_staff, is_superuser=is_superuser, target=current)
        current.is_staff, current.is_superuser = is_staff, is_superuser
        current.groups.set(groups)
    return current


def choose_password(account: User, password: str) -> User:
    """The owner's own choice, from an invitation, a reset link or /me/. Accepting an invitation makes it active."""
    with transaction.atomic():
        account = lock(account)
        accepted = account.status == State.INVITED
        if accepted:
            account.status = State.ACTIVE
            account.email_verified_at = timezone.now()  # the link came by mail to this address
        account.set_password(password)
        account.must_change_password = False
        account.session_epoch += 1
        touch(account)
        store(account)
        action = "account.invitation_accepted" if accepted else "account.password_changed"
        record(action, actor=account, target=account, after={"status": account.status} if accepted else {})
    return account


def ask_password_reset(account: User) -> User:
    """A mail with a link to choose a new password; asked for by whoever typed the address."""
    with transaction.atomic():
        account = lock(account)
        if account.is_active and outbox.post(Message.Kind.PASSWORD_RESET, account):
            record("account.password_reset_asked", actor=None, target=account)
    return account


# --- what verbs are made of -------------------------------------------------------------------------------------------


@contextmanager
def changing(
    account: User, action: str | None, event: str, *, by: Any, version: int | None, reason: str = ""
) -> Iterator[User]:
    """Locks the row, asks the gate, checks the version; then stores what the block changed, with its event.

    `action=None`: people on their own account, which needs no permission. Where nothing changed, nothing is written.
    """
    with transaction.atomic():
        guarded = account.is_superuser and lock_superusers()
        account = lock(account)
        if account.is_superuser and not guarded:  # it became one since it was loaded
            guarded = lock_superusers()
        if action:
            access.require(by, action, account)
        if version is not None and account.version != version:
            raise Stale(account, version)
        granting = action == "assign_roles"
        before, was_keeper = snapshot(account, granting), keeps_the_keys(account)
        yield account
        changes = difference(before, snapshot(account, granting))
        if not changes:
            return
        if was_keeper and not keeps_the_keys(account):
            refuse_last_superuser(account, guarded)
        touch(account)
        store(account)
        old, new = zip(*changes.values(), strict=True)
        record(
            event,
            actor=by,
            target=account,
            before=dict(zip(changes, old, strict=True)),
            after=dict(zip(changes, new, strict=True)),
            reason=reason,
        )


def lock(account: User) -> User:
    return User.objects.select_for_update(of=("self",)).get(pk=account.pk)


def lock_superusers() -> bool:
    """Locks all superusers, always in the order of their ids, before one of them is touched: two requests that would
    each remove one of the last two queue here. True, for `guarded`."""
    list(User.objects.select_for_update(of=("self",)).filter(is_superuser=True).order_by("pk").values_list("pk"))
    return True


def keeps_the_keys(account: User) -> bool:
    """Whether this is an active superuser whom no date will end."""
    return account.is_superuser and account.is_active and account.valid_until is None


def refuse_last_superuser(account: User, guarded: bool) -> None:
    others = User.objects.exclude(pk=account.pk).filter(in_state(State.ACTIVE), is_superuser=True, valid_until__isnull=True)
    if not guarded or not others.exists():
        raise Refused("This is the last active superuser. Make somebody else a superuser first.", account)


def snapshot(account: User, granting: bool) -> dict[str, Any]:
    """What an event may tell of. `granting`: its rights too, which nothing else changes."""
    names = (*PROFILE, "status", "status_reason", "suspended_until", "valid_until", "email_verified_at", "must_change_password")
    return {name: getattr(account, name) for name in names} | (rights(account) if granting else {})


def rights(account: User) -> dict[str, Any]:
    return {
        "is_staff": account.is_staff,
        "is_superuser": account.is_superuser,
        "groups": sorted(account.groups.values_list("name", flat=True)),
    }


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}


def apply_profile(account: User, changes: dict[str, Any], allowed: tuple[str, ...]) -> None:
    if strange := set(changes) - set(allowed):
        raise ValueError(f"not fields of the profile: {', '.join(sorted(strange))}")
    own = copy(account)
    for name, value in normal(changes).items():
        setattr(account, name, value)
    require_free(account.username, account.email, own=own)
    if account.email != own.email:
        account.email_verified_at = None


def touch(account: User) -> None:
    account.version += 1
    account.updated_at = timezone.now()


def store(account: User, **kwargs: Any) -> None:
    """Saves in a savepoint, so that losing a race for a name is a form error and not a broken transaction."""
    try:
        with transaction.atomic():
            account.save(**kwargs)
    except IntegrityError as error:
        raise taken(error) from error


def refuse_gone(account: User) -> None:
    if account.status in (State.DELETED, State.ERASED):
        raise Refused(f"This account is {account.state.label.lower()}; it can’t be changed.", account)


def require_reason(reason: str) -> str:
    if not reason.strip():
        raise ValidationError({"reason": "Say why: the reason stays in the audit trail."})
    return clean_reason(reason)


def clean_reason(reason: str) -> str:
    reason = reason.strip()
    if len(reason) > REASON_MAX:
        raise ValidationError({"reason": f"A reason has at most {REASON_MAX} characters."})
    if any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in reason):
        raise ValidationError({"reason": "This contains a character that can’t be stored. Remove it."})
    return reason


def require_grant(by: Any, **rights: Any) -> None:
    if why := access.grant_refusal(by, **rights):
        raise access.Denied("assign_roles", why.reason, why.permission, rights.get("target"))
