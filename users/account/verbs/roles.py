"""Groups, staff, superuser."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group

from users.account.verbs.change import changing, refuse_gone, require_grant
from users.models import User


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
