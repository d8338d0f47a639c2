"""Whether an address is the person's own: by a colleague's word, or by a link in a mail."""

from typing import Any

from django.utils import timezone

from users.exceptions import VerbRefused
from users.mail.verification_tokens import verification_tokens
from users.models import User
from users.verbs.transaction import change_account, refuse_deleted, require_reason

ACTION = "verify_email"


def verify_email(account: User, *, by: Any, reason: str, version: int | None = None) -> User:
    """By the word of whoever does it; the reason says how they know."""
    reason = require_reason(reason)
    with change_account(
        account, ACTION, "account.email_verified", by=by, version=version, reason=reason
    ) as current:
        require_unverified(current)
        current.email_verified_at = timezone.now()
    return current


def confirm_email(account: User, key: str) -> User:
    """The owner followed the link with `key`. Refused where it no longer fits the account, by now
    or by then.
    """
    with change_account(
        account, None, "account.email_confirmed", by=account, version=None
    ) as current:
        if not current.is_active or not verification_tokens.check_token(current, key):
            raise VerbRefused("This link no longer works.", current)
        current.email_verified_at = timezone.now()
    return current


def require_unverified(account: User) -> None:
    refuse_deleted(account)
    if not account.email:
        raise VerbRefused("This account has no address.", account)
    if account.email_verified_at:
        raise VerbRefused("This address is already verified.", account)
