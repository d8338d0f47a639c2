"""Time-based one-time codes (RFC 6238) of an authenticator app: SHA-1, six digits, 30 seconds."""

from urllib.parse import quote, urlencode

from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.utils.crypto import constant_time_compare

from users.database.clock import current_seconds
from users.factors.encryption import decrypt_secret, encrypt_secret
from users.models import User

PERIOD = 30  # seconds
# Periods by which the clock of a phone may differ.
DRIFT = 1
SECRET_KEY = "totp_secret"  # noqa: S105  the key in the session


def matching_period(secret: str, code: str, after: int = -1) -> int | None:
    """Returns the number of the period to which the code belongs; None for a wrong code, and for
    one of a period up to `after`, which has been used.
    """
    current = int(current_seconds()) // PERIOD
    for period in range(current - DRIFT, current + DRIFT + 1):
        expected = format_hotp_value(hotp_value(secret, period))
        if constant_time_compare(code, expected) and period > after:
            return period
    return None


def new_secret(session) -> str:
    """Returns the secret that is being set up. Until then the session keeps it, encrypted."""
    try:
        return decrypt_secret(session.get(SECRET_KEY, ""))
    except InvalidToken:
        secret = generate_totp_secret()
        session[SECRET_KEY] = encrypt_secret(secret)
        return secret


def provisioning_url(account: User, secret: str) -> str:
    """Returns the URL that an authenticator app reads from the QR code."""
    issuer = settings.ORGANISATION_NAME
    label = quote(f"{issuer}:{account.username}", safe=":@")
    query = urlencode({"secret": secret, "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{label}?{query}"


def spaced_secret(secret: str) -> str:
    """Returns the secret in groups of four characters, to be typed."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
