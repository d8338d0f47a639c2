"""Limits the attempts to sign in without a password from one IP address."""

from typing import Any

from allauth.core.internal import ratelimit

RATE = "30/m/ip"


def may_attempt(request: Any, action: str) -> bool:
    """Counts an attempt. Returns whether the limit allows it."""
    usage = ratelimit.consume(
        request,
        app="allauth.account",
        action=action,
        config={action: RATE},
        limit_get=True,
    )
    return usage is not None
