"""Whether an address is the person's own: by a colleague's word, or by a link in a mail."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from users.account.errors import Refused
from users.account.verbs.change import changing, hold, post_once, refuse_gone, require_reason
from users.audit.record import record
from users.mail.links import verification_links
from users.mail.models import Message
from users.models import State, User

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


def send_verification(account: User, *, by: Any, version: int | None = None) -> User:
    """A mail with a link that confirms the address."""
    with transaction.atomic():
        current = hold(account, ACTION, by=by, version=version)
        require_unverified(current)
        if current.state == State.INVITED:
            raise Refused(
                "This account is invited. Accepting the invitation verifies the address.", current
            )
        if not current.is_active:
            raise Refused(
                f"This account is {current.state.label.lower()}, so the link would not work.",
                current,
            )
        post_once(Message.Kind.VERIFICATION, current)
        record("account.verification_sent", actor=by, target=current)
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
