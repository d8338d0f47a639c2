"""The profile."""

from typing import Any

from users.account.verbs.change import OWN_PROFILE, PROFILE, apply_profile, changing, refuse_gone
from users.models import User


def edit(account: User, *, by: Any, version: int | None, **changes: Any) -> User:
    """New values for fields of PROFILE. A new address is an unverified one."""
    with changing(account, "edit", "account.edited", by=by, version=version) as current:
        refuse_gone(current)
        apply_profile(current, changes, PROFILE)
    return current


def edit_own_profile(account: User, *, version: int | None, **changes: Any) -> User:
    """What people may change about themselves: fields of OWN_PROFILE."""
    with changing(account, None, "account.edited", by=account, version=version) as current:
        apply_profile(current, changes, OWN_PROFILE)
    return current
