"""Checks of SECRET_KEY and ALLOWED_HOSTS; settings of HSTS and of /.well-known/security.txt."""

from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

DAY = 24 * 3600
HSTS_DAYS_MAX = 730
WEAK_PREFIXES = ("local-only-", "django-insecure-")


def require_strong(secret_key: str, hosts: list[str]) -> None:
    """Raises ImproperlyConfigured for a key that can be guessed, and for any Host header."""
    is_short = len(secret_key) < 50 or len(set(secret_key)) < 5
    if is_short or secret_key.startswith(WEAK_PREFIXES):
        raise ImproperlyConfigured("SECRET_KEY is weak: use at least 50 random characters.")
    if "*" in hosts:
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS is weak: name the hosts; '*' accepts any Host header."
        )


class SecuritySettings(NamedTuple):
    hsts_seconds: int
    # A URL: mailto:…, https://… or tel:…; "" for no security.txt.
    contact: str
    expires: datetime | None


def security_settings(env: environ.Env, *, secure: bool) -> SecuritySettings:
    """Returns HSTS_DAYS, SECURITY_CONTACT and SECURITY_EXPIRES. Raises ImproperlyConfigured."""
    days = env.int("HSTS_DAYS", 365)
    if not 0 <= days <= HSTS_DAYS_MAX:
        raise ImproperlyConfigured(f"HSTS_DAYS is wrong: it is from 0 to {HSTS_DAYS_MAX}.")
    contact = env.str("SECURITY_CONTACT", "").strip()
    if contact and not is_contact(contact):
        raise ImproperlyConfigured(
            "SECURITY_CONTACT is wrong: it looks like mailto:security@example.com or https://…"
        )
    return SecuritySettings(
        hsts_seconds=days * DAY * secure,
        contact=contact,
        expires=expiry_date(env) if contact else None,
    )


def is_contact(text: str) -> bool:
    if not text.isascii() or not text.isprintable() or " " in text:
        return False
    url = urlsplit(text)
    if url.scheme == "mailto":
        return "@" in url.path
    return bool(url.scheme == "https" and url.hostname) or url.scheme == "tel"


def expiry_date(env: environ.Env) -> datetime:
    """Returns the date after which the file must not be used, which RFC 9116 requires."""
    try:
        day = datetime.fromisoformat(env.str("SECURITY_EXPIRES", ""))
    except ValueError as error:
        raise ImproperlyConfigured(
            "SECURITY_EXPIRES is missing or wrong: it is a date such as 2027-06-30,"
            " less than a year ahead."
        ) from error
    return day.replace(tzinfo=UTC)
