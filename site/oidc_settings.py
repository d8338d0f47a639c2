"""The settings of signing in with OpenID Connect: the provider, who may use passwords, roles."""

import json
from typing import NamedTuple
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

MODES = ("local", "both", "only")
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
NAME_MAX = 40


class OidcSettings(NamedTuple):
    """`mode`: local without a provider; both; only, in which staff have no other way."""

    mode: str
    issuer: str
    client_id: str
    client_secret: str
    # The name of the provider on the screen.
    name: str
    # Claim values and the roles that they give.
    roles_claim: str
    roles: dict[str, str]
    # Values of the claims amr and acr that stand for a second factor; "*" for any sign-in.
    factor_values: frozenset[str]
    # Whether the provider may be on this machine, without TLS.
    allows_loopback: bool
    # The username of the account that keeps its password in the mode "only".
    break_glass: str


def oidc_settings(env: environ.Env, *, secure: bool) -> OidcSettings:
    """Returns the settings OIDC_… and BREAK_GLASS_USERNAME. Raises ImproperlyConfigured."""
    issuer = env.str("OIDC_ISSUER", "").strip()
    default_mode = "both" if issuer else "local"
    found = OidcSettings(
        mode=env.str("OIDC_MODE", "").strip().lower() or default_mode,
        issuer=issuer,
        client_id=env.str("OIDC_CLIENT_ID", "").strip(),
        client_secret=env.str("OIDC_CLIENT_SECRET", "").strip(),
        name=env.str("OIDC_NAME", "single sign-on").strip(),
        roles_claim=env.str("OIDC_ROLES_CLAIM", "groups").strip(),
        roles=role_mapping(env.str("OIDC_ROLES", "").strip()),
        factor_values=frozenset(env.list("OIDC_FACTOR_VALUES", default=[])),
        allows_loopback=not secure,
        break_glass=env.str("BREAK_GLASS_USERNAME", "").strip().casefold(),
    )
    if found.mode not in MODES:
        raise ImproperlyConfigured("OIDC_MODE must be local, both or only.")
    if found.mode != "local":
        require_complete(found)
    return found


def require_complete(found: OidcSettings) -> None:
    """Raises ImproperlyConfigured, which names the setting, if one is missing or can't be used."""
    needed = {
        "OIDC_ISSUER": found.issuer,
        "OIDC_CLIENT_ID": found.client_id,
        "OIDC_CLIENT_SECRET": found.client_secret,
    }
    if found.mode == "only":
        needed["BREAK_GLASS_USERNAME"] = found.break_glass
    for name, value in needed.items():
        if not value:
            raise ImproperlyConfigured(f"{name} is not set, and OIDC_MODE={found.mode} needs it.")
    if not is_issuer(found.issuer, allows_loopback=found.allows_loopback):
        raise ImproperlyConfigured(
            "OIDC_ISSUER must be the https URL of the provider, as its metadata has it."
        )
    if not found.name.isprintable() or not 0 < len(found.name) <= NAME_MAX:
        raise ImproperlyConfigured(f"OIDC_NAME must be 1 to {NAME_MAX} visible characters.")


def is_issuer(text: str, *, allows_loopback: bool) -> bool:
    """Returns whether the text is a URL with https and without query and fragment, or with http on
    this machine if that is allowed.
    """
    if not text.isascii() or not text.isprintable() or {" ", "?", "#", "\\"} & set(text):
        return False
    try:
        url = urlsplit(text)
        host = url.hostname
    except ValueError:
        return False
    is_local = allows_loopback and url.scheme == "http" and host in LOOPBACK_HOSTS
    return bool(host) and "@" not in url.netloc and (url.scheme == "https" or is_local)


def role_mapping(text: str) -> dict[str, str]:
    """Returns role names by claim value, from a JSON object. Raises ImproperlyConfigured."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(role, str) for role in found.values()):
        raise ImproperlyConfigured(
            'OIDC_ROLES must be a JSON object such as {"rollcall-support": "Support"}.'
        )
    return found
