"""Checks the password that people type to confirm a change of their own account.

Wrong guesses count with those at sign-in: whoever finds an open session has no more of them.
"""

from typing import Any

from django.core.exceptions import ValidationError

from users.models import User
from users.sessions import sign_in_events, throttle
from users.sessions.local_sign_in import must_use_provider
from users.sessions.models import SignInOutcome

NO_PASSWORDS = "Staff do not use passwords here. Confirm your identity in another way."
TOO_MANY_GUESSES = (
    "Too many failed attempts. Wait a few minutes and try again. "
    "Until then, even the correct password is not accepted."
)


def check_own_password(request: Any, account: User, password: str) -> bool:
    """Returns whether this is the password of the account, whose owner sends the request. Raises
    ValidationError after too many wrong ones, and to those who have no use for a password. Callers
    have no transaction open, which would take the count back.
    """
    if must_use_provider(account):
        raise ValidationError(NO_PASSWORDS, code="refused")
    subject = throttle.throttle_subject(account, "")
    place = throttle.attempt_place(request, account)
    usage = throttle.consume_attempt(request, subject, place)
    if usage is None:
        raise ValidationError(TOO_MANY_GUESSES, code="throttled")
    if account.check_password(password):
        usage.rollback()
        return True
    sign_in_events.record_attempt(SignInOutcome.WRONG_PASSWORD, account)
    return False
