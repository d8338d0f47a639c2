"""The profile."""

from typing import Any

from django.core.exceptions import ValidationError

from users.exceptions import VerbRefused
from users.fields import OWN_PROFILE_FIELDS, PROFILE_FIELDS
from users.history.edit_merge import merge_profile
from users.models import User
from users.verbs.profile_validation import normalise_profile
from users.verbs.transaction import apply_profile, change_account, refuse_deleted, require_reason


def edit_profile(account: User, *, by: Any, version: int | None, **changes: Any) -> User:
    """New values for fields of PROFILE. A new address is an unverified one.

    Merges with what was changed since `version`: a value that is as it was then changes nothing.
    Raises Stale with the fields that somebody else has changed too.
    """
    require_known_fields(PROFILE_FIELDS, changes)
    with change_account(account, "edit", "account.edited", by=by, version=None) as current:
        refuse_deleted(current)
        apply_profile(
            current, merge_profile(current, version, normalise_profile(changes)), PROFILE_FIELDS
        )
    return current


def restore_value(
    account: User, *, by: Any, field: str, value: Any, reason: str, version: int | None
) -> User:
    """One field of PROFILE as it was before, with all that an edit of it takes. Whoever calls has
    the value from the events.
    """
    require_known_fields(PROFILE_FIELDS, {field: value})
    reason = require_reason(reason)
    with change_account(
        account, "edit", "account.put_back", by=by, version=version, reason=reason
    ) as current:
        refuse_deleted(current)
        if getattr(current, field) == value:
            raise VerbRefused("The field already has this value.", current)
        try:
            apply_profile(current, {field: value}, PROFILE_FIELDS)
        except ValidationError as error:  # nobody typed it, so there is no field to mend
            raise VerbRefused(
                f"This value can’t be restored: {' '.join(error.messages)}", current
            ) from error
    return current


def edit_own_profile(account: User, *, version: int | None, **changes: Any) -> User:
    """What people may change about themselves: fields of OWN_PROFILE. Merges as `edit`."""
    require_known_fields(OWN_PROFILE_FIELDS, changes)
    with change_account(account, None, "account.edited", by=account, version=None) as current:
        apply_profile(
            current, merge_profile(current, version, normalise_profile(changes)), OWN_PROFILE_FIELDS
        )
    return current


def require_known_fields(allowed: tuple[str, ...], changes: dict[str, Any]) -> None:
    if strange := set(changes) - set(allowed):
        raise ValueError(f"not fields of the profile: {', '.join(sorted(strange))}")
