"""The profile."""

from typing import Any

from django.core.exceptions import ValidationError

from users.account.errors import Refused
from users.account.identity import normal
from users.account.verbs.change import (
    OWN_PROFILE,
    PROFILE,
    apply_profile,
    changing,
    refuse_gone,
    require_reason,
)
from users.account.verbs.merge import merged
from users.models import User


def edit(account: User, *, by: Any, version: int | None, **changes: Any) -> User:
    """New values for fields of PROFILE. A new address is an unverified one.

    Merges with what was changed since `version`: a value that is as it was then changes nothing.
    Raises Stale with the fields that somebody else has changed too.
    """
    require_only(PROFILE, changes)
    with changing(account, "edit", "account.edited", by=by, version=None) as current:
        refuse_gone(current)
        apply_profile(current, merged(current, version, normal(changes)), PROFILE)
    return current


def put_back(
    account: User, *, by: Any, field: str, value: Any, reason: str, version: int | None
) -> User:
    """One field of PROFILE as it was before, with all that an edit of it takes. Whoever calls has
    the value from the events.
    """
    require_only(PROFILE, {field: value})
    reason = require_reason(reason)
    with changing(
        account, "edit", "account.put_back", by=by, version=version, reason=reason
    ) as current:
        refuse_gone(current)
        if getattr(current, field) == value:
            raise Refused("The field already has this value.", current)
        try:
            apply_profile(current, {field: value}, PROFILE)
        except ValidationError as error:  # nobody typed it, so there is no field to mend
            raise Refused(
                f"This value can’t be restored: {' '.join(error.messages)}", current
            ) from error
    return current


def edit_own_profile(account: User, *, version: int | None, **changes: Any) -> User:
    """What people may change about themselves: fields of OWN_PROFILE. Merges as `edit`."""
    require_only(OWN_PROFILE, changes)
    with changing(account, None, "account.edited", by=account, version=None) as current:
        apply_profile(current, merged(current, version, normal(changes)), OWN_PROFILE)
    return current


def require_only(allowed: tuple[str, ...], changes: dict[str, Any]) -> None:
    if strange := set(changes) - set(allowed):
        raise ValueError(f"not fields of the profile: {', '.join(sorted(strange))}")
