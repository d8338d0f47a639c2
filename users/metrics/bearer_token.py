"""The token that a program sends instead of a session."""

from typing import Any

from django.utils.crypto import constant_time_compare


def bearer_text(request: Any) -> str:
    """Returns what the request has sent as “Authorization: Bearer …”; "" for nothing."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def has_token(request: Any, token: str) -> bool:
    """Returns whether the request has sent the token, which is not empty."""
    return constant_time_compare(bearer_text(request), token)
