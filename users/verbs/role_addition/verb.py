"""Adds roles to an account and keeps its other roles."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from users.exceptions import VerbRefused
from users.models import User
from users.verbs.obstacles import DELETED_OBSTACLES, refuse_obstacle
from users.verbs.roles.approval import request_administrator_roles
from users.verbs.roles.granting import grant_roles
from users.verbs.transaction import (
    change_account,
    clean_reason,
    require_future,
    require_grant,
)

ACTION = "change_groups"


def add_roles(
    account: User,
    *,
    by: Any,
    groups: Iterable[Group],
    until: datetime | None = None,
    reason: str = "",
    version: int | None = None,
    approved: bool = False,
) -> User:
    """Adds the account to `groups`, with `until` for a time. Raises Denied if `by` lacks any of
    their permissions. `approved`: a second administrator agrees to administrator roles.
    """
    groups = require_roles(groups)
    reason = clean_reason(reason)
    require_future("until", until)
    with change_account(
        account,
        ACTION,
        "account.groups_added",
        by=by,
        version=version,
        reason=reason,
    ) as current:
        refuse_obstacle(current, DELETED_OBSTACLES)
        refuse_held_roles(current, groups)
        require_grant(
            by,
            ACTION,
            groups=groups,
            is_staff=False,
            is_superuser=False,
            target=current,
        )
        if not approved:
            groups = without_requested_roles(current, groups, by=by, until=until, reason=reason)
        grant_roles(current, groups, by=by, until=until, reason=reason)
    return current


def without_requested_roles(account: User, groups: list[Group], **grant: Any) -> list[Group]:
    """Returns the groups without those that wait for the approval of a second administrator."""
    requested = request_administrator_roles(account, groups, **grant)
    return [group for group in groups if group not in requested]


def refuse_held_roles(account: User, groups: list[Group]) -> None:
    """Raises VerbRefused if the account has all of the roles."""
    if set(account.groups.all()).issuperset(groups):
        raise VerbRefused("This account already has these roles.", account)


def require_roles(groups: Iterable[Group]) -> list[Group]:
    """Returns the groups as a list. Raises ValidationError if there are none."""
    found = list(groups)
    if not found:
        raise ValidationError({"groups": "Choose at least one role."})
    return found
