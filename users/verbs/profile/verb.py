"""The profile."""

from typing import Any

from django.core.exceptions import ValidationError

from users.exceptions import Refused
from users.fields import OWN_PROFILE, PROFILE
from users.history.merge import merged
from users.models import User
from users.verbs.identity import normal
from users.verbs.transaction import apply_profile, changing, refuse_gone, require_reason


def edit_profile(account: User, *, by: Any, version: int | None, **changes: Any) -> User:
    """New values for fields of PROFILE. A new address is an unverified one.

    Merges with what was changed since `version`: a value that is as it was then changes nothing.
    Raises Stale with the fields that somebody else has changed too.
    """
    require_known_fields(PROFILE, changes)
    with changing(account, "edit", "account.edited", by=by, version=None) as current:
        refuse_gone(current)
        apply_profile(current, merged(current, version, normal(changes)), PROFILE)
    return current


def restore_value(
    account: User, *, by: Any, field: str, value: Any, reason: str, version: int | None
) -> User:
    """One field of PROFILE as it was before, with all that an edit of it takes. Whoever calls has
    the value from the events.
    """
    require_known_fields(PROFILE, {field: value})
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
    require_known_fields(OWN_PROFILE, changes)
    with changing(account, None, "account.edited", by=account, version=None) as current:
        apply_profile(current, merged(current, version, normal(changes)), OWN_PROFILE)
    return current


def require_known_fields(allowed: tuple[str, ...], changes: dict[str, Any]) -> None:
    if strange := set(changes) - set(allowed):
        raise ValueError(f"not fields of the profile: {', '.join(sorted(strange))}")
