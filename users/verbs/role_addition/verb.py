"""Adds roles to an account and keeps its other roles."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from users.exceptions import VerbRefused
from users.models import User
from users.sessions.store import renew_session_keys
from users.verbs.obstacles import DELETED_OBSTACLES, refuse_obstacle
from users.verbs.transaction import change_account, clean_reason, require_grant

ACTION = "change_groups"


def add_roles(
    account: User, *, by: Any, groups: Iterable[Group], reason: str = "", version: int | None = None
) -> User:
    """Adds the account to `groups`. Raises Denied if `by` lacks any of their permissions."""
    groups = require_roles(groups)
    reason = clean_reason(reason)
    with change_account(
        account,
        ACTION,
        "account.groups_added",
        by=by,
        version=version,
        reason=reason,
    ) as current:
        refuse_obstacle(current, DELETED_OBSTACLES)
        had = set(current.groups.all())
        if had.issuperset(groups):
            raise VerbRefused("This account already has these roles.", current)
        require_grant(
            by,
            ACTION,
            groups=groups,
            is_staff=False,
            is_superuser=False,
            target=current,
        )
        current.groups.add(*groups)
        renew_session_keys([current.pk])
    return current


def require_roles(groups: Iterable[Group]) -> list[Group]:
    """Returns the groups as a list. Raises ValidationError if there are none."""
    found = list(groups)
    if not found:
        raise ValidationError({"groups": "Choose at least one role."})
    return found
