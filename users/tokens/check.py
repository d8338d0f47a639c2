"""Checks the token of a request and loads its holder.

It takes one statement on PostgreSQL (users/tokens/token_query.py). Nothing about a token is cached,
so whatever ends it, its holder or the holder's owner counts at the next request.
"""

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Any

from django.db import transaction
from django.db.models import Q

from users import access
from users.audit.origin import current_origin
from users.audit.record import record_event
from users.database.clock import current_time
from users.factors.policy import second_factor_required
from users.metrics.bearer_token import bearer_text
from users.oidc.provider_factor import has_recent_provider_factor
from users.permissions import restrict_permissions
from users.sessions.last_seen import record_last_seen
from users.sessions.local_sign_in import must_use_provider
from users.sessions.viewer_query import load_viewer
from users.tokens.models import ApiToken
from users.tokens.read_position import follow_token
from users.tokens.scopes import granted_permissions
from users.tokens.throttle import count_token_request
from users.tokens.token_query import load_token
from users.tokens.token_text import api_token_digest, is_token_text

# Sent with 401 as WWW-Authenticate.
CHALLENGE = 'Bearer realm="Rollcall"'
USE_INTERVAL = timedelta(minutes=1)


class TokenRefused(Exception):
    """A request has no valid token. It does not say why, so nobody can probe for tokens."""

    def __init__(self) -> None:
        super().__init__("The token is missing, malformed, unknown, expired or revoked.")


@dataclass(frozen=True)
class TokenHolder:
    """A valid token, and its holder as the viewer of the request."""

    token: ApiToken
    viewer: Any


def authenticate_request(request: Any) -> TokenHolder:
    """Returns the token of a request and its holder, and records its use. Raises TokenRefused or
    TokenThrottled.
    """
    token = find_token(bearer_text(request))
    viewer = load_holder(token)
    count_token_request(token)
    follow_token(token)
    record_token_use(token, viewer)
    return TokenHolder(token=token, viewer=viewer)


def find_token(text: str) -> ApiToken:
    """Returns the live token with this text, if the client's network may use it. Raises
    TokenRefused, for a text without a correct checksum before any query.
    """
    if not is_token_text(text):
        raise TokenRefused
    token = load_token(api_token_digest(text))
    if token is None or not token.is_live or not is_allowed_address(token):
        raise TokenRefused
    return token


def is_allowed_address(token: ApiToken) -> bool:
    """Returns whether the token may be used from the address of the current request."""
    if not token.networks:
        return True
    ip = current_origin.get().ip
    if ip is None:
        return False
    address = ip_address(ip)
    return any(address in ip_network(network) for network in token.networks)


def load_holder(token: ApiToken) -> Any:
    """Returns the holder with the permissions that the token gives now. Raises TokenRefused if the
    holder may not act, or for a service account its owner.
    """
    viewer = token.loaded_holder or load_viewer(token.holder_id)
    if viewer is None or not access.may_enter(viewer) or must_sign_in(viewer):
        raise TokenRefused
    limit_permissions(viewer, token)
    return viewer


def must_sign_in(viewer: Any) -> bool:
    """Returns whether the pages would first ask the holder for a new password or second factor."""
    if viewer.must_change_password and not must_use_provider(viewer):
        return True
    return second_factor_required(viewer) and not has_recent_provider_factor(viewer)


def limit_permissions(viewer: Any, token: ApiToken) -> None:
    """Limits the viewer to the permissions that are scopes of the token."""
    restrict_permissions(viewer, granted_permissions(viewer, token.scopes))
    # Events name it beside the holder (users/audit/record.py).
    viewer.acts_by = str(token)
    # Jobs that it starts stop when the token is revoked.
    viewer.token_id = token.pk


def record_token_use(token: ApiToken, viewer: Any) -> None:
    """Stores the time and address of a use, at most once a minute, and an event of the first."""
    now = current_time()
    if token.first_used_at is None:
        record_first_use(token, viewer)
    if token.last_used_at is not None and now - token.last_used_at < USE_INTERVAL:
        return
    due = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_INTERVAL)
    rows = ApiToken.objects.filter(due, pk=token.pk)
    rows.update(last_used_at=now, last_used_ip=current_origin.get().ip)
    if viewer.is_service:
        # Nobody signs in to it, so this is how it is seen. A person's program is not the person.
        record_last_seen(viewer, None, None)


def record_first_use(token: ApiToken, viewer: Any) -> None:
    """Records the event once, even if the first requests come together."""
    with transaction.atomic():
        unused = ApiToken.objects.filter(pk=token.pk, first_used_at=None)
        if unused.update(first_used_at=current_time()):
            record_event(
                "token.first_used",
                actor=viewer,
                target=viewer,
                after={"token": token.pk, "token_name": token.name},
            )
