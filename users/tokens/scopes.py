"""Scopes: the permissions that a token may have, and those that it gives now.

A scope is the codename of a permission. A token gives those of its scopes that its holder has.
"""

from typing import Any

from users.access_setup import DECLARED_PERMISSIONS

# Permissions that can’t be scopes: they decide who has power, stand for the judgement of a second
# person, require a sign-in, or last longer than the token. Whoever sets a first password can sign
# in as that person, and a webhook goes on sending after its token has ended.
NEVER_BY_TOKEN = {
    "approve_bulk",
    "approve_role",
    "assign_roles",
    "create_token",
    "export_hashes",
    "import_passwords",
    "manage_roles",
    "manage_services",
    "manage_staff",
    "manage_tokens",
    "manage_webhooks",
    "request_role",
    "reset_second_factor",
}


def known_scopes() -> list[str]:
    """Returns all scopes in the order of their declarations."""
    return [codename for codename in DECLARED_PERMISSIONS if codename not in NEVER_BY_TOKEN]


def scope_label(codename: str) -> str:
    """Returns what a scope permits, such as "suspend accounts"."""
    declared = DECLARED_PERMISSIONS.get(codename)
    return declared.label.removeprefix("Can ") if declared else codename


def held_scopes(holder: Any) -> list[str]:
    """Returns the scopes whose permissions the holder has now."""
    if holder.is_superuser:
        return known_scopes()
    held = holder.get_all_permissions()
    return [codename for codename in known_scopes() if f"users.{codename}" in held]


def granted_permissions(holder: Any, scopes: list[str]) -> set[str]:
    """Returns the permissions (app.codename) that a token with these scopes gives now."""
    return {f"users.{codename}" for codename in held_scopes(holder) if codename in scopes}
