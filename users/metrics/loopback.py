"""Whether a request comes from this machine."""

from ipaddress import ip_address

# A request with one of these came through a proxy, whoever sent it.
FORWARDING_HEADERS = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
)


def is_from_loopback(request) -> bool:
    """Returns whether a process of this machine sent the request, and not a proxy for someone."""
    if any(name in request.headers for name in FORWARDING_HEADERS):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
