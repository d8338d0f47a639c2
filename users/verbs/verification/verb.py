"""Whether an address is the person's own: by a colleague's word, or by a link in a mail."""

from typing import Any

from django.utils import timezone

from users.exceptions import Refused
from users.mail.links import verification_links
from users.models import User
from users.verbs.transaction import changing, refuse_gone, require_reason

ACTION = "verify_email"


def verify_email(account: User, *, by: Any, reason: str, version: int | None = None) -> User:
    """By the word of whoever does it; the reason says how they know."""
    reason = require_reason(reason)
    with changing(
        account, ACTION, "account.email_verified", by=by, version=version, reason=reason
    ) as current:
        require_unverified(current)
        current.email_verified_at = timezone.now()
    return current


def confirm_email(account: User, key: str) -> User:
    """The owner followed the link with `key`. Refused where it no longer fits the account, by now
    or by then.
    """
    with changing(account, None, "account.email_confirmed", by=account, version=None) as current:
        if not current.is_active or not verification_links.check_token(current, key):
            raise Refused("This link no longer works.", current)
        current.email_verified_at = timezone.now()
    return current


def require_unverified(account: User) -> None:
    refuse_gone(account)
    if not account.email:
        raise Refused("This account has no address.", account)
    if account.email_verified_at:
        raise Refused("This address is already verified.", account)
