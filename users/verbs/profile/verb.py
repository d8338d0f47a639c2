"""Changes fields of a profile: edits by staff and by the owner, and restoring a value."""

from typing import Any

from django.core.exceptions import ValidationError

from users.exceptions import VerbRefused
from users.fields import OWN_PROFILE_FIELDS, PROFILE_FIELDS
from users.history.edit_merge import merge_profile
from users.mail.suppressions import lift_unsubscribed
from users.models import User
from users.verbs.obstacles import DELETED_OBSTACLES, refuse_obstacle
from users.verbs.profile_validation import normalise_profile
from users.verbs.transaction import apply_profile, change_account, require_reason

PASSWORD_MISSING = "Enter your current password to change your own address."  # noqa: S105


def edit_profile(
    account: User, *, by: Any, version: int | None, own_password: str = "", **changes: Any
) -> User:
    """Sets fields of PROFILE_FIELDS and returns the account. A new address is unverified; to change
    one's own takes `own_password`.

    The edit is merged with the changes since `version`: values that are equal to those of that
    version are ignored. Raises EditConflict with the fields that someone else has changed too.
    """
    require_known_fields(PROFILE_FIELDS, changes)
    with change_account(account, "edit", "account.edited", by=by, version=None) as current:
        refuse_obstacle(current, DELETED_OBSTACLES)
        merged = merge_profile(current, version, normalise_profile(changes))
        require_own_password(current, by, merged, own_password)
        apply_profile(current, merged, PROFILE_FIELDS)
    return current


def require_own_password(account: User, by: Any, changes: dict[str, Any], password: str) -> None:
    """Raises ValidationError if people change their own address without their password: whoever
    finds an open session could take over the account with a reset email.
    """
    changes_address = changes.get("email", account.email) != account.email
    if by.pk == account.pk and changes_address and not account.check_password(password):
        raise ValidationError({"own_password": PASSWORD_MISSING})


def restore_value(
    account: User, *, by: Any, field: str, value: Any, reason: str, version: int | None
) -> User:
    """Sets one field of PROFILE_FIELDS to an earlier value and returns the account.

    The caller reads `value` from the events. It is validated in the same way as an edit.
    """
    require_known_fields(PROFILE_FIELDS, {field: value})
    reason = require_reason(reason)
    with change_account(
        account, "edit", "account.put_back", by=by, version=version, reason=reason
    ) as current:
        refuse_obstacle(current, DELETED_OBSTACLES)
        if by.pk == current.pk and field == "email":
            text = "Edit your profile to change your own address. It takes your password."
            raise VerbRefused(text, current)
        if getattr(current, field) == value:
            raise VerbRefused("The field already has this value.", current)
        try:
            apply_profile(current, {field: value}, PROFILE_FIELDS)
        except ValidationError as error:
            # The form has no field for the value that could show the message.
            reason = " ".join(error.messages)
            raise VerbRefused(f"This value can’t be restored: {reason}", current) from error
    return current


def edit_own_profile(account: User, *, version: int | None, **changes: Any) -> User:
    """Sets fields of OWN_PROFILE_FIELDS on behalf of the account's owner and returns the account.

    The edit is merged as in `edit_profile`. Raises EditConflict. Accepting announcements ends what
    unsubscribing has suppressed.
    """
    require_known_fields(OWN_PROFILE_FIELDS, changes)
    with change_account(account, None, "account.edited", by=account, version=None) as current:
        merged = merge_profile(current, version, normalise_profile(changes))
        apply_profile(current, merged, OWN_PROFILE_FIELDS)
        if changes.get("accepts_announcements"):
            lift_unsubscribed(current)
    return current


def require_known_fields(allowed: tuple[str, ...], changes: dict[str, Any]) -> None:
    """Raises ValueError, which is a programming error, for a field that is not `allowed`."""
    if unknown := set(changes) - set(allowed):
        raise ValueError(f"not fields of the profile: {', '.join(sorted(unknown))}")
