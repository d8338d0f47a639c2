"""Reads what the provider publishes: its endpoints and the keys of its signatures.

Each process caches both itself: whoever can write to a shared cache could put their own keys there.
"""

import time
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings

from users.oidc.provider_requests import fetch_json
from users.oidc.refusals import OidcRefused

KEEP_SECONDS = 3600
# Between two attempts after a failure, and between two searches for an unknown key.
RETRY_SECONDS = 10
SEARCH_SECONDS = 60
MAX_KEYS = 100
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


class ProviderMetadata(NamedTuple):
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    # How the client proves who it is: by a header, or else in the body.
    uses_basic: bool
    # Whether the provider names itself in its answers (RFC 9207).
    names_issuer: bool


class CachedDocument:
    """One document of the provider, fetched again after KEEP_SECONDS. After a failure, reads fail
    at once for RETRY_SECONDS.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.forget()

    def forget(self) -> None:
        self.url = ""
        self.value: dict[str, Any] | None = None
        self.fetched_at = 0.0
        self.failure: OidcRefused | None = None
        self.failed_at = 0.0

    def read(self, url: str, *, newer_than: float = KEEP_SECONDS) -> dict[str, Any]:
        """Returns the document, at most `newer_than` seconds old. Raises OidcRefused."""
        with self.lock:
            if self.url != url:
                self.forget()
                self.url = url
            now = time.monotonic()
            if self.value is not None and now - self.fetched_at < newer_than:
                return self.value
            if self.failure and now - self.failed_at < RETRY_SECONDS:
                raise OidcRefused(self.failure.code, self.failure.detail)
            return self.fetch(url)

    def fetch(self, url: str) -> dict[str, Any]:
        try:
            self.value = fetch_json(url)
        except OidcRefused as refused:
            self.failure = refused
            self.failed_at = time.monotonic()
            raise
        self.failure = None
        self.fetched_at = time.monotonic()
        return self.value


METADATA = CachedDocument()
KEYS = CachedDocument()


def forget_provider() -> None:
    """Makes the next sign-in of this process fetch everything again."""
    METADATA.forget()
    KEYS.forget()


def read_metadata() -> ProviderMetadata:
    """Returns the provider's metadata. Raises OidcRefused, also if it is another provider's."""
    issuer = settings.OIDC.issuer
    found = METADATA.read(issuer.rstrip("/") + "/.well-known/openid-configuration")
    if found.get("issuer") != issuer:
        raise OidcRefused("metadata", "another issuer")
    methods = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return ProviderMetadata(
        authorization_endpoint=checked_endpoint(found, "authorization_endpoint"),
        token_endpoint=checked_endpoint(found, "token_endpoint"),
        jwks_uri=checked_endpoint(found, "jwks_uri"),
        uses_basic="client_secret_basic" in methods,
        names_issuer=found.get("authorization_response_iss_parameter_supported") is True,
    )


def checked_endpoint(found: dict[str, Any], name: str) -> str:
    """Returns an endpoint of the metadata. Raises OidcRefused unless it is a URL with TLS."""
    url = found.get(name)
    if isinstance(url, str) and is_safe_endpoint(url):
        return url
    raise OidcRefused("metadata", name)


def is_safe_endpoint(url: str) -> bool:
    """Returns whether a URL has https, or leads to this machine if that is allowed."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if not host or "@" in parts.netloc or parts.fragment:
        return False
    is_local = parts.scheme == "http" and host in LOOPBACK_HOSTS
    return parts.scheme == "https" or (is_local and settings.OIDC.allows_loopback)


def find_keys(key_id: str | None) -> list[dict[str, Any]]:
    """Returns the keys with this ID, or all without one. Raises OidcRefused if there are none.

    A provider that has just changed its keys has an unknown one, so they are fetched again, but no
    more often than every SEARCH_SECONDS.
    """
    url = read_metadata().jwks_uri
    for age in (KEEP_SECONDS, SEARCH_SECONDS):
        keys = KEYS.read(url, newer_than=age).get("keys")
        if found := matching_keys(keys, key_id):
            return found
    raise OidcRefused("key", "unknown key")


def matching_keys(keys: Any, key_id: str | None) -> list[dict[str, Any]]:
    if not isinstance(keys, list):
        return []
    usable = [key for key in keys[:MAX_KEYS] if is_signature_key(key)]
    if key_id is None:
        return usable
    return [key for key in usable if key.get("kid") == key_id]


def is_signature_key(key: Any) -> bool:
    return isinstance(key, dict) and key.get("use", "sig") == "sig"
