"""Holds back what would make somebody an administrator until a second administrator approves it
(users/staff/requests/decisions.py).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from users import access
from users.administrators import approval_required
from users.audit.origin import current_origin
from users.audit.record import record_event
from users.exceptions import VerbRefused
from users.models import User
from users.role_grants import administrator_roles
from users.role_models import RoleRequest
from users.row_locks import lock_roles_for_grant
from users.verbs.roles.approver_notice import notify_approvers

SUPERUSER = "Superuser"
REPEATED = "{} has already been requested for this account."


def request_administrator_roles(
    account: User,
    groups: Iterable[Group],
    *,
    by: Any,
    until: datetime | None = None,
    reason: str = "",
) -> list[Group]:
    """Stores a request for each new administrator role, and returns those roles; none without a
    need for approval.
    """
    if not needs_second_administrator(by):
        return []
    added = set(groups) - set(account.groups.all())
    # None of them gets an administrator permission before it is given.
    locked = lock_roles_for_grant(group.pk for group in added)
    requested = administrator_roles(locked)
    for group in requested:
        store_request(account, by=by, group=group, until=until, reason=reason)
    add_requested_names(account, [group.name for group in requested])
    return requested


def request_superuser(account: User, *, by: Any, reason: str = "") -> bool:
    """Stores a request of the superuser status if it needs approval, and returns whether it does.
    The account is not a superuser yet.
    """
    if not needs_second_administrator(by):
        return False
    store_request(account, by=by, reason=reason)
    add_requested_names(account, [SUPERUSER])
    return True


def needs_second_administrator(by: Any) -> bool:
    """Returns whether a second administrator has to approve a new one. A person with a shell on the
    server needs nobody.
    """
    return not isinstance(by, access.CommandActor) and approval_required()


def store_request(
    account: User,
    *,
    by: Any,
    group: Group | None = None,
    until: datetime | None = None,
    days: int | None = None,
    reason: str = "",
) -> RoleRequest:
    """Stores a request with its event; without a group, of the superuser status. Raises VerbRefused
    if one waits already.
    """
    name = group.name if group else SUPERUSER
    refuse_repeated(account, name)
    request = RoleRequest(
        account_id=account.pk,
        group=group,
        role_name=name,
        is_superuser=group is None,
        until=until,
        days=days,
        reason=reason,
        ticket=current_origin.get().ticket,
        by_id=by.pk,
        by_text=str(by)[:255],
    )
    insert_request(request, account)
    announce_request(request, account, by)
    return request


def insert_request(request: RoleRequest, account: User) -> None:
    """Saves the request. Raises VerbRefused if another one was stored since refuse_repeated."""
    try:
        with transaction.atomic():
            request.save()
    except IntegrityError as error:
        raise VerbRefused(REPEATED.format(request.role_name), account) from error


def announce_request(request: RoleRequest, account: User, by: Any) -> None:
    """Records the event of a new request, and queues the emails to those who may decide."""
    record_event(
        "account.role_requested",
        actor=by,
        target=account,
        after=requested_values(request),
        reason=request.reason,
    )
    notify_approvers(request)


def refuse_repeated(account: User, name: str) -> None:
    waiting = RoleRequest.objects.filter(
        account_id=account.pk,
        role_name=name,
        state=RoleRequest.State.WAITING,
    )
    if waiting.exists():
        raise VerbRefused(REPEATED.format(name), account)


def requested_values(request: RoleRequest) -> dict[str, Any]:
    """Returns the values that an event about a request records."""
    values = {"role": request.role_name, "days": request.days, "until": request.until}
    return {name: value for name, value in values.items() if value}


def add_requested_names(account: User, names: list[str]) -> None:
    """Adds to the names that `approval_sentence` tells."""
    waiting = [*getattr(account, "requested_roles", ()), *names]
    account.requested_roles = waiting  # type: ignore[attr-defined]


def approval_sentence(account: User) -> str:
    """Returns a sentence about what was held back from a changed account; "" if nothing was."""
    names: list[str] = getattr(account, "requested_roles", [])
    if not names:
        return ""
    verb = "needs" if len(names) == 1 else "need"
    return f"{' and '.join(names)} {verb} another administrator’s approval."
