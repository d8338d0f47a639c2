"""The settings of the audit trail: the key, who may read its log, and where checkpoints go."""

import re
from base64 import b64decode
from dataclasses import dataclass, field
from email.utils import parseaddr
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
VERIFIER_KEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)")
# The type of a cosignature and the length of its key.
COSIGNATURE = 4
COSIGNATURE_KEY_BYTES = 33


@dataclass(frozen=True)
class FeedSettings:
    """Where the worker sends the sealed events. Its repr, which pages of errors show, has neither
    secrets nor addresses, which may contain one.
    """

    webhook: str = field(default="", repr=False)
    # Each signs every request: two of them while a secret is replaced.
    secrets: tuple[str, ...] = field(default=(), repr=False)
    syslog: str = field(default="", repr=False)
    ca_file: str = ""
    allows_private: bool = False

    def targets(self) -> dict[str, str]:
        """Returns the address of each feed."""
        found = {"webhook": self.webhook, "syslog": self.syslog}
        return {name: url for name, url in found.items() if url}


def audit_settings(env: environ.Env, var_dir: Path) -> dict[str, Any]:
    """Returns the settings of the audit trail by short names. Raises ImproperlyConfigured."""
    return {
        # The file to which the worker appends checkpoints of the audit chain; "" for only the log.
        "anchor_file": env.str("AUDIT_ANCHOR_FILE", str(var_dir / "audit-anchors.log")),
        # The private keys that sign checkpoints, which the worker alone reads; "": none are signed.
        "key_file": env.str("AUDIT_KEY_FILE", ""),
        # What other programs send as “Authorization: Bearer …” to read /audit/log/.
        "log_token": bearer_token(env, "AUDIT_LOG_TOKEN"),
        # Where the worker delivers signed checkpoints.
        "anchor_syslog": syslog_url(env),
        "anchor_webhook": webhook_url(env),
        "anchor_emails": email_addresses(env),
        "witnesses": witness_list(env),
        "feeds": feed_settings(env),
        # Years after which events lose their personal values; 0: never.
        "value_years": value_years(env),
        # Read by migrate, which installs or removes the triggers
        # (users/database/outside_triggers.py).
        "outside_changes": is_switched_on(env, "RECORD_OUTSIDE_CHANGES", "1"),
    }


def feed_settings(env: environ.Env) -> FeedSettings:
    return FeedSettings(
        webhook=feed_webhook(env),
        secrets=webhook_secrets(env),
        syslog=feed_syslog(env),
        ca_file=feed_ca_file(env),
        allows_private=is_switched_on(env, "AUDIT_FEED_PRIVATE_ADDRESSES", "0"),
    )


def feed_webhook(env: environ.Env) -> str:
    url = env.str("AUDIT_FEED_WEBHOOK", "")
    if url and (not is_web_url(url) or "@" in urlsplit(url).netloc or not url.isascii()):
        raise ImproperlyConfigured(
            "AUDIT_FEED_WEBHOOK must be a URL such as https://example.com/path."
        )
    if url and not env.str("AUDIT_FEED_SECRETS", ""):
        raise ImproperlyConfigured("AUDIT_FEED_SECRETS is missing: it signs AUDIT_FEED_WEBHOOK.")
    return url


def feed_syslog(env: environ.Env) -> str:
    url = env.str("AUDIT_FEED_SYSLOG", "")
    parts = split_url(url)
    if url and (parts is None or parts.scheme != "tls" or parts.path or "@" in parts.netloc):
        raise ImproperlyConfigured("AUDIT_FEED_SYSLOG must be a URL such as tls://host:6514.")
    return url


def webhook_secrets(env: environ.Env) -> tuple[str, ...]:
    """Returns the secrets of Standard Webhooks. Raises ImproperlyConfigured."""
    found = [each.strip() for each in env.list("AUDIT_FEED_SECRETS", default=[])]
    if not all(is_webhook_secret(each) for each in found):
        raise ImproperlyConfigured(
            "AUDIT_FEED_SECRETS must be whsec_ and the Base64 of 24 to 64 random bytes, "
            "or two of them, separated by a comma."
        )
    return tuple(found)


def is_webhook_secret(text: str) -> bool:
    try:
        key = b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    return text.startswith("whsec_") and 24 <= len(key) <= 64


def feed_ca_file(env: environ.Env) -> str:
    path = env.str("AUDIT_FEED_CA_FILE", "")
    if path and not Path(path).is_file():
        raise ImproperlyConfigured("AUDIT_FEED_CA_FILE must be an existing file.")
    return path


def is_switched_on(env: environ.Env, name: str, default: str) -> bool:
    value = env.str(name, default)
    if value not in ("0", "1"):
        raise ImproperlyConfigured(f"{name} must be 0 or 1.")
    return value == "1"


def value_years(env: environ.Env) -> int:
    years = env.int("AUDIT_VALUE_YEARS", 0)
    if not 0 <= years <= 100:
        raise ImproperlyConfigured("AUDIT_VALUE_YEARS must be a number from 0 to 100.")
    return years


def bearer_token(env: environ.Env, name: str) -> str:
    """Returns a setting that programs send instead of a session. Raises ImproperlyConfigured."""
    token = env.str(name, "")
    if token and len(token) < 20:
        raise ImproperlyConfigured(f"{name} is weak: use at least 20 random characters.")
    return token


def syslog_url(env: environ.Env) -> str:
    url = env.str("AUDIT_ANCHOR_SYSLOG", "")
    parts = split_url(url)
    if url and (parts is None or parts.scheme not in ("udp", "tcp", "tls") or parts.path):
        raise ImproperlyConfigured(
            "AUDIT_ANCHOR_SYSLOG must be a URL such as tls://host:6514 (or tcp://, udp://)."
        )
    return url


def webhook_url(env: environ.Env) -> str:
    url = env.str("AUDIT_ANCHOR_WEBHOOK", "")
    if url and not is_web_url(url):
        raise ImproperlyConfigured(
            "AUDIT_ANCHOR_WEBHOOK must be a URL such as https://example.com/path."
        )
    return url


def email_addresses(env: environ.Env) -> list[str]:
    found = [each.strip() for each in env.list("AUDIT_ANCHOR_EMAILS", default=[])]
    for address in found:
        if parseaddr(address)[1] != address or not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
            raise ImproperlyConfigured(
                "AUDIT_ANCHOR_EMAILS must be email addresses, separated by commas."
            )
    return found


def witness_list(env: environ.Env) -> list[tuple[str, str]]:
    """Returns the URL and the verifier key of each witness."""
    found = []
    for entry in env.list("AUDIT_WITNESSES", default=[]):
        url, _, key = entry.strip().partition(" ")
        if not is_web_url(url) or not is_witness_key(key.strip()):
            raise ImproperlyConfigured(
                "AUDIT_WITNESSES must be URL and verifier key of each witness, "
                "such as https://witness.example.com witness.example.com+0123abcd+BASE64, "
                "separated by commas."
            )
        found.append((url, key.strip()))
    return found


def is_witness_key(text: str) -> bool:
    """Returns whether a text is the verifier key of cosignatures, with the ID of that key."""
    match = VERIFIER_KEY.fullmatch(text)
    if match is None or len(match[3]) % 4:
        return False
    material = b64decode(match[3])
    digest = sha256(match[1].encode() + b"\n" + material).hexdigest()
    is_cosignature = material[0] == COSIGNATURE and len(material) == COSIGNATURE_KEY_BYTES
    return is_cosignature and digest[:8] == match[2]


def is_web_url(url: str) -> bool:
    """Returns whether a URL is https, or http on this machine."""
    parts = split_url(url)
    if parts is None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def split_url(url: str) -> SplitResult | None:
    """Returns the parts of a URL with a host; None for other text."""
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts if is_whole and not re.search(r"\s", url) else None
