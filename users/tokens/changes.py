"""Creates and revokes API tokens, each with its event in the same transaction."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction

from users import access
from users.audit.record import record_event
from users.database.clock import current_time
from users.exceptions import VerbRefused
from users.models import User
from users.role_grants import administrator_roles
from users.row_locks import lock_account
from users.tokens.models import ApiToken, ProvisioningScope
from users.tokens.scopes import held_scopes
from users.tokens.token_text import api_token_digest, new_token_text, token_hint

# Active tokens of one holder.
MAX_TOKENS = 50
TOO_MANY = f"There are {MAX_TOKENS} active tokens already. Revoke one first."
NOT_OWN = "You can create personal tokens only for yourself. Use a service account instead."
STOPPED = "This token has already expired or been revoked."


class NewToken(NamedTuple):
    """A token and its text, which is not stored."""

    token: ApiToken
    text: str


@dataclass(frozen=True)
class TokenLimits:
    """The limits of a token: its permissions, networks and rate."""

    # Codenames of permissions.
    scopes: list[str]
    # In CIDR notation; empty: all.
    networks: list[str]
    # Requests in a minute; None: the setting.
    rate: int | None = None
    provisioning: ProvisioningScope | None = None


def create_token(holder: User, *, by: Any, name: str, days: int, limits: TokenLimits) -> NewToken:
    """Creates a token of a person, who asks for it, or of a service account. Raises Denied,
    ValidationError by field, or VerbRefused. The caller has asked for a recent authentication.
    """
    with transaction.atomic():
        holder = lock_account(holder)
        require_token_rights(by, holder)
        ends_at = token_end(holder, days)
        require_scopes(holder, limits.scopes)
        require_provisioning(by, limits.provisioning)
        if live_tokens(holder.pk).count() >= MAX_TOKENS:
            raise VerbRefused(TOO_MANY, holder)
        text = new_token_text()
        token = ApiToken.objects.create(
            name=name,
            holder_id=holder.pk,
            digest=api_token_digest(text),
            hint=token_hint(text),
            scopes=limits.scopes,
            networks=limits.networks,
            rate=limits.rate,
            provisioning=stored_provisioning(limits.provisioning),
            created_by_id=by.pk,
            created_by_text=str(by)[:255],
            ends_at=ends_at,
        )
        after = audited_token(token)
        record_event("token.created", actor=by, target=holder, after=after)
    return NewToken(token=token, text=text)


def change_provisioning(
    token: ApiToken, *, by: Any, provisioning: ProvisioningScope | None
) -> ApiToken:
    """Changes what a token of a service account may do for provisioning; None: nothing."""
    with transaction.atomic():
        token = ApiToken.objects.select_for_update().get(pk=token.pk)
        holder = User.objects.get(pk=token.holder_id)
        require_token_rights(by, holder)
        require_provisioning(by, provisioning)
        if not token.is_live:
            raise VerbRefused(STOPPED, holder)
        before = provisioning_values(token)
        token.provisioning = stored_provisioning(provisioning)
        token.save(update_fields=["provisioning"])
        after = provisioning_values(token)
        if after != before:
            named = {"token": token.pk, "token_name": token.name}
            record_event(
                "token.changed",
                actor=by,
                target=holder,
                before=before,
                after=named | after,
            )
    return token


def revoke_token(token: ApiToken, *, by: Any, reason: str = "") -> ApiToken:
    """Revokes a token at once. Raises Denied, or VerbRefused if it has stopped working before."""
    with transaction.atomic():
        token = ApiToken.objects.select_for_update().get(pk=token.pk)
        holder = User.objects.get(pk=token.holder_id)
        require_revocation(by, holder)
        if not token.is_live:
            raise VerbRefused(STOPPED, holder)
        stop_tokens([token], by=by, holder=holder, reason=reason)
    return token


def stop_tokens(tokens: list[ApiToken], *, by: Any, holder: User, reason: str = "") -> None:
    """Marks live tokens of one holder as revoked, each with an event, in the caller's
    transaction.
    """
    for token in tokens:
        token.revoked_at = current_time()
        token.revoked_by_id = by.pk
        token.revoked_by_text = str(by)[:255]
        token.save(update_fields=["revoked_at", "revoked_by_id", "revoked_by_text"])
        record_event(
            "token.revoked",
            actor=by,
            target=holder,
            after={"token": token.pk, "token_name": token.name},
            reason=reason,
        )


def is_revoked_token(token_id: int) -> bool:
    """Returns whether the token with this ID is stored and revoked. False for an expired token, and
    for one that was deleted (by retention or an erasure).
    """
    return ApiToken.objects.filter(pk=token_id, revoked_at__isnull=False).exists()


def live_tokens(holder_id: int) -> Any:
    """Returns the tokens of one holder that are neither revoked nor expired."""
    return ApiToken.objects.filter(
        holder_id=holder_id,
        revoked_at=None,
        ends_at__gt=current_time(),
    )


def require_token_rights(by: Any, holder: User) -> None:
    """Raises Denied unless `by` may create tokens of this holder."""
    if holder.is_service:
        access.require(by, "manage_services", holder)
        return
    access.require(by, "create_token")
    if by.pk != holder.pk:
        raise access.Denied("create_token", NOT_OWN, target=holder)


def may_revoke(by: Any, holder: User) -> bool:
    """Returns whether someone may revoke tokens of this holder: their own, those of service
    accounts that they own, and with the permission everyone's.
    """
    return by.pk in (holder.pk, holder.owner_id) or access.may(by, "manage_tokens")


def require_revocation(by: Any, holder: User) -> None:
    """Raises Denied unless `may_revoke`."""
    if not may_revoke(by, holder):
        access.require(by, "manage_tokens")


def token_end(holder: User, days: int) -> datetime:
    """Returns when a new token ends: with its service account at the latest. Raises
    ValidationError.
    """
    if not 1 <= days <= settings.TOKEN_MAX_DAYS:
        text = f"Choose 1 to {settings.TOKEN_MAX_DAYS:,} days."
        raise ValidationError({"days": text})
    end = current_time() + timedelta(days=days)
    if holder.is_service and holder.valid_until:
        return min(end, holder.valid_until)
    return end


def require_scopes(holder: User, scopes: list[str]) -> None:
    """Raises ValidationError for no scope, and for one whose permission the holder lacks."""
    if not scopes:
        raise ValidationError({"scopes": "Choose at least one permission."})
    if set(scopes) - set(held_scopes(holder)):
        raise ValidationError({"scopes": "A token can’t do what its holder can’t do."})


def require_provisioning(by: Any, wanted: ProvisioningScope | None) -> None:
    """Raises ValidationError for a role with power, and Denied for one that `by` may not give."""
    if wanted is None or not wanted.role_ids:
        return
    roles = list(Group.objects.filter(pk__in=wanted.role_ids))
    if len(roles) != len(wanted.role_ids):
        raise ValidationError({"roles": "One of these roles no longer exists."})
    if administrator_roles(roles):
        text = "Provisioning can’t grant administrator roles."
        raise ValidationError({"roles": text})
    if refusal := access.grant_refusal(by, groups=roles, is_staff=False, is_superuser=False):
        raise access.Denied("manage_services", refusal.reason, refusal.permission)


def stored_provisioning(scope: ProvisioningScope | None) -> dict[str, Any] | None:
    if scope is None:
        return None
    values = asdict(scope)
    return {
        "source": values["source"],
        "domains": list(values["domains"]),
        "roles": list(values["role_ids"]),
    }


def audited_token(token: ApiToken) -> dict[str, Any]:
    """Returns what the event of a new token records; never its text or digest."""
    values: dict[str, Any] = {
        "token": token.pk,
        "token_name": token.name,
        "scopes": token.scopes,
        "ends_at": token.ends_at,
    }
    if token.networks:
        values["networks"] = token.networks
    if token.rate:
        values["requests_per_minute"] = token.rate
    return values | provisioning_values(token)


def provisioning_values(token: ApiToken) -> dict[str, Any]:
    """Returns what events record of the token's scope for provisioning, with names of roles."""
    scope = token.provisioning_scope
    if scope is None:
        return {}
    roles = Group.objects.filter(pk__in=scope.role_ids).order_by("pk")
    return {
        "provisioning_source": scope.source,
        "provisioning_domains": list(scope.domains),
        "provisioning_roles": list(roles.values_list("name", flat=True)),
    }
