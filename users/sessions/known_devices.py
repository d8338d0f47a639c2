"""Remembers in a browser's signed cookie which accounts have signed in there. It opens nothing:
such a browser has its own counter of failures, so that strangers can't lock its owner out.

Sign-ins and sessions keep a digest of the cookie's random token, so that accounts which were used
in one browser are known to be (users/jobs/ties.py).
"""

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.utils.crypto import salted_hmac

from users.models import User

COOKIE_NAME = "__Host-device" if settings.SECURE else "device"
COOKIE_SECONDS = 365 * 24 * 3600
SALT = "users.sessions.known_devices"
# The key of the digest in the data of a session.
DEVICE_KEY = "device"
MAX_ACCOUNTS = 10  # of one browser, those that signed in last


def read_device(request: Any) -> tuple[str, list[int]]:
    """Returns the token of the browser and the ids of its accounts; none without a cookie."""
    value = request.COOKIES.get(COOKIE_NAME, "")
    try:
        token, accounts = signing.loads(value, salt=SALT, max_age=COOKIE_SECONDS)
    except (signing.BadSignature, TypeError, ValueError):
        return "", []
    return token, accounts


def device_of(request: Any, account: User) -> str:
    """Returns the token of the browser if the account has signed in there; "" otherwise."""
    token, accounts = read_device(request)
    return token if account.pk in accounts else ""


def ensure_token(request: Any) -> str:
    """Returns the token of the browser; without a cookie a new one, which `remember_device` sets in
    the response to this request.
    """
    token, _ = read_device(request)
    if not token:
        token = getattr(request, "new_device_token", "") or secrets.token_hex(16)
        request.new_device_token = token
    return token


def token_digest(token: str) -> str:
    """Returns a digest keyed with SECRET_KEY, which is stored; "" without a token."""
    if not token:
        return ""
    return salted_hmac(SALT, token, algorithm="sha256").hexdigest()[:32]


def remember_device(request: Any, response: Any, account: User) -> None:
    """Adds the account to the cookie of the browser."""
    _, accounts = read_device(request)
    others = [pk for pk in accounts if pk != account.pk]
    stored = (ensure_token(request), [account.pk, *others][:MAX_ACCOUNTS])
    response.set_cookie(
        COOKIE_NAME,
        signing.dumps(stored, salt=SALT),
        max_age=COOKIE_SECONDS,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )
