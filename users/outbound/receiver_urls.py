"""Checks the URLs of receivers that staff type."""

import re
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ValidationError

from users.outbound.addresses import METADATA_HOSTS, AddressPolicy, is_public

URL_MAX = 500
HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*\.?", re.IGNORECASE)
SHAPE_TEXT = "Enter a URL such as https://example.com/hook."


def clean_receiver_url(text: str, policy: AddressPolicy) -> str:
    """Returns the URL. Raises ValidationError unless it may get requests. Where its name leads is
    checked at each connection.
    """
    if len(text) > URL_MAX:
        raise ValidationError(f"Enter a URL of at most {URL_MAX} characters.", code="long")
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise ValidationError(
            "Enter a URL of ASCII characters: write other letters of a host as xn--….",
            code="characters",
        )
    parts = split_receiver_url(text)
    if "@" in parts.netloc:
        raise ValidationError("Leave out the username and password.", code="userinfo")
    if "#" in text:
        raise ValidationError("Leave out the part after #.", code="fragment")
    check_scheme(parts, policy)
    check_host(parts.hostname or "", policy)
    return text


def split_receiver_url(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        is_whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_whole = False
    if not is_whole or parts.netloc.endswith(":"):
        raise ValidationError(SHAPE_TEXT, code="shape")
    return parts


def check_scheme(parts: SplitResult, policy: AddressPolicy) -> None:
    """Raises ValidationError unless it is https, or http to a host that may be private."""
    is_inside = parts.scheme == "http" and policy.allows(parts.hostname or "")
    if parts.scheme != "https" and not is_inside:
        raise ValidationError("Enter a URL that begins with https://.", code="scheme")


def check_host(host: str, policy: AddressPolicy) -> None:
    """Raises ValidationError for a host that is known to be private."""
    if policy.allows(host):
        return
    try:
        is_private = not is_public(host)
    except ValueError:
        if not HOST.fullmatch(host) or is_ipv4_part(host.rstrip(".").rpartition(".")[2]):
            raise ValidationError(SHAPE_TEXT, code="shape") from None
        name = host.lower().rstrip(".")
        is_private = "." not in name or name in METADATA_HOSTS or name.endswith(".localhost")
    if is_private:
        raise ValidationError("This host is private. Enter a public one.", code="private")


def is_ipv4_part(label: str) -> bool:
    """Returns whether programs take the last label of a host for a part of an IPv4 address."""
    return bool(re.fullmatch(r"[0-9]+|0x[0-9a-f]*", label, re.IGNORECASE))
