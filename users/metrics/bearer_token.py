"""The token that a program sends instead of a session."""

from django.utils.crypto import constant_time_compare


def has_token(request, token: str) -> bool:
    """Returns whether the request has the token, as “Authorization: Bearer …”."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    same = constant_time_compare(given.strip(), token)
    return same and scheme.lower() == "bearer"
