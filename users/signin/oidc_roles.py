"""Grants and removes the roles that OIDC_ROLES maps, at each sign-in with the provider.

A mapped role belongs to the provider: it is also removed from those who got it in Rollcall.
Roles that give power are never mapped, so whoever runs the provider can't make administrators.
"""

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group

from users.models import User
from users.role_grants import roles_with
from users.tokens.scopes import NEVER_BY_TOKEN
from users.verbs.roles.granting import grant_roles
from users.verbs.transaction import change_account

logger = logging.getLogger("rollcall.oidc")
GRANTED_ACTION = "account.groups_added"
REMOVED_ACTION = "account.groups_removed"
REASON = "The claims of the provider at sign-in."
# No role with one of them is given by claims. The two that are left out concern the holder alone.
PRIVILEGED = NEVER_BY_TOKEN - {"create_token", "request_role"}


class ProviderActor:
    """The actor of changes that claims cause."""

    pk = None

    def __str__(self) -> str:
        return f"OpenID Connect ({settings.OIDC.issuer})"


def sync_roles(account: User, claims: dict[str, Any]) -> None:
    """Grants the account the roles of its claims, and removes the other mapped ones."""
    mapped = mapped_groups()
    values = claimed_values(claims)
    if not mapped or values is None:
        return
    names = {settings.OIDC.roles[value] for value in values if value in settings.OIDC.roles}
    held = set(account.groups.all())
    wanted = {group for group in mapped if group.name in names}
    if gained := wanted - held:
        with change_account(
            account, None, GRANTED_ACTION, by=ProviderActor(), version=None, reason=REASON
        ) as current:
            grant_roles(current, gained, by=ProviderActor(), reason=REASON)
    if lost := (held & mapped) - wanted:
        with change_account(
            account, None, REMOVED_ACTION, by=ProviderActor(), version=None, reason=REASON
        ) as current:
            current.groups.remove(*lost)


def mapped_groups() -> set[Group]:
    """Returns the roles of OIDC_ROLES without those that give power."""
    found = set(Group.objects.filter(name__in=settings.OIDC.roles.values()))
    missing = set(settings.OIDC.roles.values()) - {group.name for group in found}
    privileged = privileged_groups(found)
    for name in sorted(missing | {group.name for group in privileged}):
        logger.error("OIDC_ROLES names the role %r, which is missing or gives power", name)
    return found - privileged


def privileged_groups(groups: set[Group]) -> set[Group]:
    return groups & set(roles_with(PRIVILEGED))


def claimed_values(claims: dict[str, Any]) -> set[str] | None:
    """Returns the texts of the claim; none without it. None if it is too long for a token, so the
    provider has left it out and nothing is known.
    """
    name = settings.OIDC.roles_claim
    elsewhere = claims.get("_claim_names")
    if isinstance(elsewhere, dict) and name in elsewhere:
        logger.error("The claim %r is too long for the token, so roles are not changed", name)
        return None
    value = claims.get(name)
    texts = value if isinstance(value, list) else [value]
    return {text for text in texts if isinstance(text, str)}
