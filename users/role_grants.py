"""Grants of roles: how they are recorded, and which roles are in effect.

A grant may have an end. A role has no effect from then on, whether or not the scheduled task has
removed it (users/staff/roles/expiry.py).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Exists, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from users.database.clock import current_time
from users.models import User
from users.role_models import RoleGrant

# Holders of one of them can give themselves, or a colleague, what else they want.
ADMINISTRATOR_PERMISSIONS = frozenset({"manage_staff", "assign_roles"})
Membership: Any = User.groups.through
BATCH = 5000


def record_grants(
    account_ids: Iterable[int],
    groups: Iterable[Any],
    *,
    by: Any,
    until: datetime | None = None,
    reason: str = "",
    ticket: str = "",
) -> None:
    """Stores who gave the accounts these roles (groups or their IDs), in the transaction of the
    change. Roles that an account had before keep their grant.
    """
    group_ids = [getattr(group, "pk", group) for group in groups]
    unknown = without_grant(account_ids, group_ids)
    rows = []
    for membership_id, account_id, group_id in unknown:
        row = RoleGrant(
            membership_id=membership_id,
            account_id=account_id,
            group_id=group_id,
            since=current_time(),
            by_id=by.pk,
            by_text=str(by)[:255],
            until=until,
            reason=reason,
            ticket=ticket,
        )
        rows.append(row)
    RoleGrant.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)


def without_grant(account_ids: Iterable[int], group_ids: list[int]) -> list[tuple[int, int, int]]:
    """Returns ID, account and group of the memberships without a grant."""
    known = RoleGrant.objects.filter(membership_id=OuterRef("pk"))
    found = Membership.objects.filter(
        ~Exists(known),
        user_id__in=list(account_ids),
        group_id__in=group_ids,
    )
    return list(found.values_list("pk", "user_id", "group_id"))


def has_ended(membership: str = "pk") -> Exists:
    """Returns the condition that the grant of a membership has ended by the database's clock."""
    ended = RoleGrant.objects.filter(membership_id=OuterRef(membership), until__lte=Now())
    return Exists(ended)


def memberships_in_effect() -> QuerySet:
    return Membership.objects.exclude(has_ended())


def groups_in_effect(account_id: int) -> QuerySet[Group]:
    """Returns the roles of an account whose grants have not ended."""
    held = memberships_in_effect().filter(user_id=account_id)
    return Group.objects.filter(pk__in=held.values("group_id"))


def permanent_members(group_ids: Iterable[int]) -> QuerySet:
    """Returns the IDs of the accounts that have one of the groups, without an end."""
    ending = RoleGrant.objects.filter(membership_id=OuterRef("pk"), until__isnull=False)
    held = Membership.objects.filter(~Exists(ending), group_id__in=group_ids)
    return held.values("user_id")


def next_end(account_id: int) -> datetime | None:
    """Returns when the next role of an account ends; None if none does."""
    ends = RoleGrant.objects.filter(Q(until__gt=current_time()), account_id=account_id)
    return ends.aggregate(end=Min("until"))["end"]


def administrator_roles(roles: Iterable[Group]) -> list[Group]:
    """Returns those of the roles that have an administrator permission."""
    found = roles_with(ADMINISTRATOR_PERMISSIONS).filter(pk__in=[role.pk for role in roles])
    return list(found.distinct().order_by("id"))


def roles_with(codenames: Iterable[str]) -> QuerySet[Group]:
    """Returns the roles that have one of our permissions, some of them repeatedly."""
    return Group.objects.filter(
        permissions__codename__in=list(codenames),
        permissions__content_type__app_label="users",
    )
