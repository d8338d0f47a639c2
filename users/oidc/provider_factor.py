"""Whether a sign-in at the provider had a second factor, so that Rollcall asks for none of its own.

The session says so, because the same account may have signed in by a password elsewhere. Tokens
have no session: for them, the last sign-in with a factor counts for a while.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings

from users.database.clock import current_time
from users.factors.policy import grace_end, second_factor_required
from users.models import User
from users.oidc.links import link_of

FACTOR_KEY = "oidc_factor"
ANY = "*"
# For tokens, after the last session with a factor of the provider could have ended.
FACTOR_DAYS = 30


def claims_factor(claims: dict[str, Any]) -> bool:
    """Returns whether OIDC_FACTOR_VALUES names one of the claims amr (a list) and acr (a text)."""
    accepted = settings.OIDC.factor_values
    if ANY in accepted:
        return True
    methods = claims.get("amr")
    values = list(methods) if isinstance(methods, list) else []
    values.append(claims.get("acr"))
    return any(isinstance(value, str) and value in accepted for value in values)


def record_provider_factor(session: Any, account: User) -> None:
    session[FACTOR_KEY] = account.pk


def forget_provider_factor(session: Any) -> None:
    session.pop(FACTOR_KEY, None)


def has_provider_factor(request: Any) -> bool:
    """Returns whether the viewer has signed in with a second factor at the provider."""
    return request.session.get(FACTOR_KEY) == request.user.pk


def lacks_factor(request: Any) -> bool:
    """Returns whether the viewer must set up a second factor before anything else."""
    return not has_provider_factor(request) and second_factor_required(request.user)


def viewer_grace_end(request: Any) -> Any:
    """Returns when the viewer must have a second factor; None if they have one or need none."""
    return None if has_provider_factor(request) else grace_end(request.user)


def has_recent_provider_factor(account: Any) -> bool:
    """Returns whether the account has signed in with a second factor at the current provider so
    recently that its tokens need no other factor. One query if OIDC_FACTOR_VALUES is set.
    """
    if not settings.OIDC.factor_values:
        return False
    link = link_of(account)
    if link is None or link.factor_at is None:
        return False
    limit = timedelta(hours=settings.SESSION_MAX_HOURS, days=FACTOR_DAYS)
    return current_time() - link.factor_at < limit
