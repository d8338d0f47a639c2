"""Verifies the address of an account, by hand or with the key from an email."""

from typing import Any

from users.database.clock import current_time
from users.exceptions import VerbRefused
from users.mail.suppressions import lift_unsubscribed
from users.mail.verification_tokens import verification_tokens
from users.models import User
from users.verbs.obstacles import (
    DELETED_OBSTACLES,
    NO_ADDRESS,
    SERVICE,
    VERIFIED,
    refuse_obstacle,
)
from users.verbs.transaction import change_account, require_reason

ACTION = "verify_email"
VERIFICATION_OBSTACLES = (*DELETED_OBSTACLES, SERVICE, NO_ADDRESS, VERIFIED)


def verify_email(account: User, *, by: Any, reason: str, version: int | None = None) -> User:
    """Marks the address as verified. `reason` explains how `by` knows that it belongs to them."""
    reason = require_reason(reason)
    with change_account(
        account,
        ACTION,
        "account.email_verified",
        by=by,
        version=version,
        reason=reason,
    ) as current:
        refuse_obstacle(current, VERIFICATION_OBSTACLES)
        current.email_verified_at = current_time()
    return current


def confirm_email(account: User, key: str) -> User:
    """Marks the address as verified by its owner, who followed the link with `key`.

    Raises VerbRefused if the key is no longer valid for the account.
    """
    with change_account(
        account,
        None,
        "account.email_confirmed",
        by=account,
        version=None,
    ) as current:
        if not current.is_active or not verification_tokens.check_token(current, key):
            raise VerbRefused("This link no longer works.", current)
        current.email_verified_at = current_time()
        lift_unsubscribed(current)
    return current
