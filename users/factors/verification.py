"""Verifies a second factor: a code of the app, a recovery code or a passkey. Each works once.

Wrong ones are counted for the account, whatever place they come from: whoever gets this far knows
the password.
"""

import unicodedata
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.core.exceptions import ValidationError
from django.db import transaction

from users.database.clock import current_time
from users.factors.encryption import decrypt_secret
from users.factors.passkeys import match_passkey
from users.factors.totp import matching_period
from users.models import User
from users.sessions import sign_in_events, throttle
from users.sessions.models import SignInMethod, SignInOutcome
from users.sessions.own_password import TOO_MANY_GUESSES

TYPE = Authenticator.Type
METHODS = {
    TYPE.TOTP: SignInMethod.APP,
    TYPE.RECOVERY_CODES: SignInMethod.RECOVERY_CODE,
    TYPE.WEBAUTHN: SignInMethod.PASSKEY,
}


def verify_factor(request: Any, account: User, given: Any) -> bool:
    """Returns whether `given` is a valid code of the account, as text, or the answer of one of its
    passkeys, as a dict. Raises ValidationError after too many wrong ones. Callers have no
    transaction open, which would take the count back.
    """
    return verified_method(request, account, given) is not None


def verified_method(request: Any, account: User, given: Any) -> SignInMethod | None:
    """Returns by which kind of factor `given` is valid, as verify_factor does; None otherwise."""
    guessed = SignInMethod.APP if isinstance(given, str) else SignInMethod.PASSKEY
    usage = throttle.consume_factor_attempt(request, account)
    if usage is None:
        sign_in_events.record_attempt(SignInOutcome.THROTTLED, account, way=guessed)
        raise ValidationError(TOO_MANY_GUESSES, code="throttled")
    if isinstance(given, str):
        method = use_code(account, clean_code(given))
    else:
        method = use_passkey(request, account, given)
    if method is None:
        sign_in_events.record_attempt(SignInOutcome.WRONG_FACTOR, account, way=guessed)
        return None
    usage.rollback()
    return method


def clean_code(typed: str) -> str:
    """Returns the characters of a code without the spaces and dashes that make it readable."""
    folded = unicodedata.normalize("NFKC", typed)
    return "".join(char for char in folded if char.isalnum())[:20]


def use_code(account: User, code: str) -> SignInMethod | None:
    """Marks a code as used, and returns its kind; None for a wrong or used one.

    The rows are locked, so the second of two equal codes at one instant is a used one.
    """
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update().filter(user_id=account.pk)
        for authenticator in rows.exclude(type=TYPE.WEBAUTHN).order_by("pk"):
            try:
                is_valid = use_code_of(authenticator, code)
            except InvalidToken:
                # SECRET_KEY was replaced and is no fallback: nothing can match.
                continue
            if is_valid and record_factor_use(authenticator):
                return METHODS[TYPE(authenticator.type)]
    return None


def use_code_of(authenticator: Authenticator, code: str) -> bool:
    if authenticator.type == TYPE.RECOVERY_CODES:
        return use_recovery_code(authenticator, code)
    secret = decrypt_secret(authenticator.data["secret"])
    period = matching_period(secret, code, after=authenticator.data.get("period", -1))
    if period is None:
        return False
    authenticator.data["period"] = period
    return True


def use_recovery_code(authenticator: Authenticator, code: str) -> bool:
    codes = authenticator.wrap()
    is_valid = code.isascii() and codes.validate_code(code)
    # It has read and written the row again.
    authenticator.data = codes.instance.data
    return is_valid


def record_factor_use(authenticator: Authenticator) -> bool:
    """Stores the use of a factor. Returns False if it has been removed meanwhile."""
    rows = Authenticator.objects.filter(pk=authenticator.pk)
    return bool(rows.update(data=authenticator.data, last_used_at=current_time()))


def use_passkey(request: Any, account: User | None, answer: Any) -> SignInMethod | None:
    passkey = match_passkey(request.session, answer, account)
    if passkey is None or not record_factor_use(passkey):
        return None
    return SignInMethod.PASSKEY
