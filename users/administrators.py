"""Administrators: superusers, and staff with the permission to manage staff accounts.

A few of them always remain, so that one person who leaves does not lock everyone out.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db.models import Q

from users import access
from users.account_state import State, in_state
from users.models import User, UserQuerySet
from users.role_grants import permanent_members

TOO_FEW = (
    "At least {} administrators must remain, and this is one of them. "
    "Make someone else an administrator first."
)
# From this number on, a second administrator can be expected to be there.
APPROVAL_FROM = 3


def permanent_administrators() -> UserQuerySet:
    """Returns the active administrators whose account and role have no end."""
    active = UserQuerySet(User).filter(
        in_state(State.ACTIVE),
        is_staff=True,
        valid_until__isnull=True,
    )
    return active.filter(has_power())


def has_power() -> Q:
    """Returns the condition that an account is a superuser or may manage staff."""
    groups = managing_groups()
    own: Any = User.user_permissions.through.objects.filter(permission__codename="manage_staff")
    by_role = Q(pk__in=permanent_members(groups))
    return Q(is_superuser=True) | by_role | Q(pk__in=own.values("user_id"))


def managing_groups() -> list[int]:
    """Returns the IDs of the roles that permit to manage staff."""
    codename = access.MANAGE_STAFF.partition(".")[2]
    groups = Group.objects.filter(
        permissions__codename=codename,
        permissions__content_type__app_label="users",
    )
    return list(groups.values_list("pk", flat=True))


def is_administrator(account: User) -> bool:
    """Returns whether the account, as stored, counts as an administrator."""
    return account.is_staff and permanent_administrators().filter(pk=account.pk).exists()


def lock_administrators() -> bool:
    """Locks all superusers and administrators, in the order of their IDs, before one of them is
    changed. Two requests that would each remove one of the last two therefore run one after the
    other. Returns True.
    """
    people = UserQuerySet(User).filter(has_power()).order_by("pk").values_list("pk")
    list(people.select_for_update(of=("self",)))
    return True


def leaves_too_few(by: Any) -> bool:
    """Returns whether the change of one administrator, which is already stored, leaves fewer than
    there must be. Changes are allowed if there were too few before, and to commands.
    """
    if isinstance(by, access.CommandActor):
        return False
    minimum: int = settings.MINIMUM_ADMINISTRATORS
    return permanent_administrators().count() == minimum - 1


def too_few_refusal() -> str:
    return TOO_FEW.format(settings.MINIMUM_ADMINISTRATORS)


def approval_required() -> bool:
    """Returns whether a second administrator has to approve a new one."""
    mode: str = settings.ADMINISTRATOR_APPROVAL
    if mode == "auto":
        return permanent_administrators().count() >= APPROVAL_FROM
    return mode == "on"
