"""The settings of the organisation in whose name emails are sent."""

import re
from email.errors import ObsoleteHeaderDefect
from email.policy import default
from email.utils import parseaddr
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import environ
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

NAME_MAX = 80
ADDRESS_MAX = 300
URL_MAX = 500
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
# A name of these characters alone stands in a header without quotes.
PLAIN_NAME = re.compile(r"[A-Za-z0-9 .&'-]+")


def organisation_settings(env: environ.Env, host: str) -> dict[str, str]:
    """Returns the settings ORGANISATION_… and HELP_CONTACT, and the sender that fits them.

    Without a name, emails carry that of the sender or else `host`, the only one that is known.
    """
    sender = typed_mailbox(env, "DEFAULT_FROM_EMAIL")
    name = typed_line(env, "ORGANISATION_NAME", NAME_MAX) or parseaddr(sender)[0] or host
    language = env.str("ORGANISATION_LANGUAGE", "en").strip()
    if not LANGUAGE.fullmatch(language):
        raise ImproperlyConfigured(
            "ORGANISATION_LANGUAGE is wrong: it is a language tag such as en or pt-BR."
        )
    return {
        "name": name,
        "logo_url": logo_url(env),
        "address": typed_line(env, "ORGANISATION_ADDRESS", ADDRESS_MAX),
        "language": language,
        "help_contact": help_contact(env),
        "sender": sender or f"{quoted_name(name)} <no-reply@{host}>",
    }


def typed_line(env: environ.Env, name: str, longest: int) -> str:
    value = env.str(name, "").strip()
    if len(value) > longest or not value.isprintable():
        raise ImproperlyConfigured(
            f"{name} is wrong: it is one line of at most {longest} visible characters."
        )
    return value


def typed_mailbox(env: environ.Env, name: str) -> str:
    """Returns one address, alone or as “Name <address>”; "" for none."""
    value = env.str(name, "").strip()
    if not value:
        return ""
    header = default.header_factory("From", value)
    # A name such as “Example Inc.” is an old form, which is sent with quotes.
    defects = [each for each in header.defects if not isinstance(each, ObsoleteHeaderDefect)]
    addresses = [each.addr_spec for each in header.addresses]
    if defects or len(addresses) != 1 or not is_email(addresses[0]) or not value.isprintable():
        raise ImproperlyConfigured(
            f"{name} is wrong: it looks like help@example.com or Example <help@example.com>. A name"
            " with a comma or an @ needs quotes."
        )
    return value


def default_zone(env: environ.Env) -> str:
    """Returns DEFAULT_TIME_ZONE. Raises ImproperlyConfigured."""
    zone = env.str("DEFAULT_TIME_ZONE", "UTC")
    if zone not in available_timezones():
        raise ImproperlyConfigured("DEFAULT_TIME_ZONE is wrong: it looks like Europe/Berlin.")
    return zone


def logo_url(env: environ.Env) -> str:
    """Returns the URL of the logo, or "". Only https, since mail clients load nothing else."""
    value = typed_line(env, "ORGANISATION_LOGO_URL", URL_MAX)
    if value and not is_https_url(value):
        raise ImproperlyConfigured(
            "ORGANISATION_LOGO_URL is wrong: it looks like https://www.example.com/logo.png."
        )
    return value


def help_contact(env: environ.Env) -> str:
    """Returns where people find help: an email address, an https URL or a phone number; or ""."""
    value = typed_line(env, "HELP_CONTACT", URL_MAX)
    is_phone = re.fullmatch(r"\+?[0-9 ()/-]{3,30}", value)
    if not value or is_phone or is_https_url(value) or is_email(value):
        return value
    raise ImproperlyConfigured(
        "HELP_CONTACT is wrong: it is an email address, a phone number or a URL with https://."
    )


def is_https_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    hidden = {" ", '"', "<", ">", "\\"} & set(value)
    return parts.scheme == "https" and bool(parts.hostname) and not parts.username and not hidden


def is_email(value: str) -> bool:
    try:
        validate_email(value)
    except ValidationError:
        return False
    return True


def quoted_name(name: str) -> str:
    """Returns a name as the part before the address in a header."""
    if PLAIN_NAME.fullmatch(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
