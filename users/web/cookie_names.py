"""Names of cookies that no other host and no plain connection may set."""

from django.conf import settings


def host_cookie_name(name: str) -> str:
    """Returns the name with the prefix that binds a cookie to this host; without https as it is."""
    return f"__Host-{name}" if settings.SECURE else name
