"""Invites a person, and sends an invitation again."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction

from users import access
from users.audit.record import record_event
from users.fields import PROFILE_FIELDS
from users.mail import outbox
from users.mail.models import Message
from users.models import State, User
from users.row_locks import lock_account
from users.verbs.obstacles import (
    NO_ADDRESS,
    SERVICE,
    queued_obstacle,
    refuse_obstacle,
    state_obstacle,
)
from users.verbs.profile_validation import normalise_profile, require_available
from users.verbs.roles.approval import (
    needs_second_administrator,
    request_administrator_roles,
    request_superuser,
)
from users.verbs.roles.granting import grant_roles
from users.verbs.superuser_notice import notify_administrators
from users.verbs.transaction import (
    access_values,
    clean_reason,
    require_grant,
    save_account,
)

INVITATION_OBSTACLES = (
    *(
        state_obstacle(state, "This account is {}; it has no open invitation.")
        for state in State
        if state != State.INVITED
    ),
    SERVICE,
    NO_ADDRESS,
    queued_obstacle(Message.Kind.INVITATION),
)


def invite_user(
    *,
    by: Any,
    groups: Iterable[Group] = (),
    is_staff: bool = False,
    is_superuser: bool = False,
    reason: str = "",
    **profile: str,
) -> User:
    """Creates an invited account and queues the email with the link to choose a password."""
    access.require(by, "invite")
    groups = list(groups)
    reason = clean_reason(reason)
    is_staff = is_staff or is_superuser
    require_initial_grant(by, groups=groups, is_staff=is_staff, is_superuser=is_superuser)
    profile = normalise_profile(profile)
    if not profile.get("email"):
        raise ValidationError({"email": "An invitation needs an address."})
    account = User(status=State.INVITED, is_staff=is_staff, **profile)
    account.is_superuser = is_superuser and not needs_second_administrator(by)
    account.set_unusable_password()
    with transaction.atomic():
        require_available(account.username, account.email)
        save_account(account, force_insert=True)
        grant_initial_roles(account, groups, by=by, reason=reason)
        record_invitation(account, by=by, reason=reason)
        outbox.post_message(Message.Kind.INVITATION, account)
        if is_superuser:
            announce_superuser(account, by=by, reason=reason)
    return account


def record_invitation(account: User, *, by: Any, reason: str) -> None:
    record_event(
        "account.invited",
        actor=by,
        target=account,
        after=invited_values(account),
        reason=reason,
    )


def announce_superuser(account: User, *, by: Any, reason: str) -> None:
    """Tells the other administrators about a new superuser, or asks for the approval of one."""
    if account.is_superuser:
        notify_administrators(account)
    else:
        request_superuser(account, by=by, reason=reason)


def grant_initial_roles(account: User, groups: list[Group], *, by: Any, reason: str) -> None:
    """Gives a new account its roles without those that wait for the approval of a second
    administrator.
    """
    requested = request_administrator_roles(account, groups, by=by, reason=reason)
    given = [group for group in groups if group not in requested]
    grant_roles(account, given, by=by, reason=reason)


def require_initial_grant(
    by: Any, *, groups: list[Group], is_staff: bool, is_superuser: bool
) -> None:
    """Raises Denied unless `by` may invite a person with these roles and this access level."""
    if not is_staff and not groups:
        return
    access.require(by, "assign_roles")
    require_grant(
        by,
        groups=groups,
        is_staff=is_staff,
        is_superuser=is_superuser,
    )


def invited_values(account: User) -> dict[str, Any]:
    """Returns the values that the first event of a new account records."""
    values = {name: getattr(account, name) for name in PROFILE_FIELDS}
    filled = {name: value for name, value in values.items() if value}
    return filled | {"status": account.status} | access_values(account)


def resend_invitation(account: User, *, by: Any) -> User:
    """Queues the invitation again, for a person who has lost it or whose link has expired."""
    with transaction.atomic():
        account = lock_account(account)
        access.require(by, "invite", account)
        refuse_obstacle(account, INVITATION_OBSTACLES)
        outbox.post_message(Message.Kind.INVITATION, account)
        record_event("account.invited_again", actor=by, target=account)
    return account
