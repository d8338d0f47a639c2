"""Administrators: superusers, and staff with the permission to manage staff accounts.

A few of them always remain, so that one person who leaves does not lock everyone out.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q

from users import access
from users.account_state import State, in_state
from users.database.clock import current_time
from users.exceptions import VerbRefused
from users.models import User, UserQuerySet
from users.role_grants import permanent_members, roles_with
from users.role_models import AdministratorDecrease

STAFF_CODENAME = access.MANAGE_STAFF.partition(".")[2]
TOO_FEW = (
    "At least {} administrators must remain, and this is one of them. "
    "Make someone else an administrator first."
)
# From this number on, a second administrator can be expected to be there.
APPROVAL_FROM = 3
# How long former administrators count for it.
APPROVAL_MEMORY = timedelta(days=30)


def permanent_administrators() -> UserQuerySet:
    """Returns the active administrators whose account and role have no end."""
    active = UserQuerySet(User).filter(
        in_state(State.ACTIVE),
        is_staff=True,
        valid_until__isnull=True,
    )
    return active.filter(administrator_condition())


def administrator_condition() -> Q:
    """Returns the condition that an account is a superuser or may manage staff."""
    groups = staff_managing_roles()
    own: Any = User.user_permissions.through.objects.filter(
        permission__codename=STAFF_CODENAME,
        permission__content_type__app_label="users",
    )
    by_role = Q(pk__in=permanent_members(groups))
    return Q(is_superuser=True) | by_role | Q(pk__in=own.values("user_id"))


def staff_managing_roles() -> list[int]:
    """Returns the IDs of the roles that can manage staff. Their holders can make somebody else an
    administrator, which the other administrator permission alone does not allow.
    """
    return list(roles_with([STAFF_CODENAME]).values_list("pk", flat=True))


def is_administrator(account: User) -> bool:
    """Returns whether the account, as stored, counts as an administrator."""
    return account.is_staff and permanent_administrators().filter(pk=account.pk).exists()


def lock_administrators() -> int:
    """Locks all superusers and administrators, in the order of their IDs, before one of them is
    changed. Two requests that would each remove one of the last two therefore run one after the
    other. Returns how many administrators count, for `require_administrators`.
    """
    people = UserQuerySet(User).filter(administrator_condition()).order_by("pk")
    list(people.values_list("pk").select_for_update(of=("self",)))
    return permanent_administrators().count()


def require_administrators(before: int, by: Any, account: User | None = None) -> None:
    """Raises VerbRefused if a change, which is already stored, leaves fewer administrators than
    there must be. `before`: how many there were. Commands may leave fewer, and so may others where
    there were too few before.
    """
    left = permanent_administrators().count()
    if left >= before:
        return
    record_decrease(before)
    minimum: int = settings.MINIMUM_ADMINISTRATORS
    if left < minimum <= before and not isinstance(by, access.CommandActor):
        raise VerbRefused(too_few_refusal(), account)


def too_few_refusal() -> str:
    return TOO_FEW.format(settings.MINIMUM_ADMINISTRATORS)


def approval_required() -> bool:
    """Returns whether a second administrator has to approve a new one. In the mode `auto`, nobody
    gets out of it by suspending a colleague first: recent administrators count too.
    """
    mode: str = settings.ADMINISTRATOR_APPROVAL
    if mode == "auto":
        return permanent_administrators().count() >= APPROVAL_FROM or decreased_recently()
    return mode == "on"


def record_decrease(before: int) -> None:
    """Stores that there are fewer administrators than `before`, and forgets what is long ago."""
    now = current_time()
    AdministratorDecrease.objects.filter(at__lt=now - APPROVAL_MEMORY).delete()
    AdministratorDecrease.objects.create(at=now, before=before)


def decreased_recently() -> bool:
    """Returns whether there were enough administrators for an approval a short time ago."""
    recent = current_time() - APPROVAL_MEMORY
    found = AdministratorDecrease.objects.filter(at__gte=recent, before__gte=APPROVAL_FROM)
    return found.exists()
