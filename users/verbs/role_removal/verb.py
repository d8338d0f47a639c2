"""Removes roles from an account and keeps its other roles."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q

from users.exceptions import VerbRefused
from users.models import User
from users.permissions import has_roles
from users.role_grants import Membership
from users.verbs.obstacles import DELETED_OBSTACLES, Obstacle, refuse_obstacle
from users.verbs.role_addition.verb import ACTION, require_roles
from users.verbs.transaction import change_account, clean_reason

ROLE_REMOVAL_OBSTACLES = (
    *DELETED_OBSTACLES,
    Obstacle(
        sentence="This account has no roles.",
        blocks=lambda account: not has_roles(account),
        condition=lambda now: ~Q(Exists(Membership.objects.filter(user_id=OuterRef("pk")))),
    ),
)


def remove_roles(
    account: User, *, by: Any, groups: Iterable[Group], reason: str = "", version: int | None = None
) -> User:
    """Removes the account from those of `groups` that it is in."""
    groups = require_roles(groups)
    reason = clean_reason(reason)
    with change_account(
        account,
        ACTION,
        "account.groups_removed",
        by=by,
        version=version,
        reason=reason,
    ) as current:
        refuse_obstacle(current, ROLE_REMOVAL_OBSTACLES)
        if not set(current.groups.all()).intersection(groups):
            raise VerbRefused("This account has none of these roles.", current)
        current.groups.remove(*groups)
    return current
