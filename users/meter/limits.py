"""The hourly limit of a person for one kind of use: the budget of their role, or the usual use in
the role if that is lower. Service accounts have budgets of their own, and no usual use.
"""

from collections.abc import Iterable
from typing import NamedTuple

from django.conf import settings

from users.meter.models import UseKind, UsualUse
from users.models import User
from users.role_grants import memberships_in_effect

# The usual use may be close to 0. No limit is less than this share of the budget.
MIN_SHARE = 0.2


class RoleUse(NamedTuple):
    """A role of a person, and the usual use in it; None without enough working hours."""

    name: str
    median: float | None = None
    deviation: float | None = None

    @property
    def highest_usual(self) -> float | None:
        if self.median is None or self.deviation is None:
            return None
        return self.median + settings.METER.deviations * self.deviation


class UseLimit(NamedTuple):
    """How much a person may use in an hour before they have to confirm their identity."""

    limit: int
    budget: int


def use_limit(kind: str, roles: Iterable[RoleUse], *, is_service: bool = False) -> UseLimit:
    """Returns the limit of a person with these roles: the highest of them. Without roles, as for
    many superusers, and for service accounts it is the budget.
    """
    held = list(roles)
    names = [role.name for role in held]
    if is_service:
        budget = highest_budget(kind, names, settings.METER.service_budgets)
        return UseLimit(budget, budget)
    budget = highest_budget(kind, names, settings.METER.budgets)
    usual = [role.highest_usual for role in held]
    known = [value for value in usual if value is not None]
    if not held or len(known) < len(held):
        return UseLimit(budget, budget)
    lowest = budget * MIN_SHARE
    limit = min(budget, max(*known, lowest))
    return UseLimit(max(1, round(limit)), budget)


def highest_budget(kind: str, names: list[str], budgets: dict[str, int]) -> int:
    found = [budgets.get(f"{name}:{kind}", budgets[kind]) for name in names]
    return max(found, default=budgets[kind])


def person_limits(account_ids: Iterable[int]) -> dict[int, dict[str, UseLimit]]:
    """Returns the limits of each person by kind, in three queries."""
    held: dict[int, list[tuple[int, str]]] = {account_id: [] for account_id in account_ids}
    memberships = memberships_in_effect().filter(user_id__in=list(held))
    rows = memberships.values_list("user_id", "group_id", "group__name")
    for account_id, group_id, name in rows:
        held[account_id].append((group_id, name))
    services = set(service_accounts_among(held))
    usual = {(row.group_id, row.kind): row for row in UsualUse.objects.all()}
    found = {}
    for account_id, roles in held.items():
        limits = {}
        for kind in UseKind.values:
            uses = [role_use(name, usual.get((group_id, kind))) for group_id, name in roles]
            limits[kind] = use_limit(kind, uses, is_service=account_id in services)
        found[account_id] = limits
    return found


def service_accounts_among(account_ids: Iterable[int]) -> Iterable[int]:
    """Returns the IDs of those that are service accounts."""
    found = User.objects.filter(pk__in=list(account_ids), owner_id__isnull=False)
    return found.values_list("pk", flat=True)


def role_use(name: str, row: UsualUse | None) -> RoleUse:
    if row is None:
        return RoleUse(name)
    return RoleUse(name, row.median, row.deviation)
