"""The origin of a request, for events and log lines. It is kept in a context variable, so that
verbs need no request.
"""

import logging
import re
import uuid
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_address

from django.conf import settings


@dataclass(frozen=True)
class Origin:
    ip: str | None = None
    user_agent: str = ""
    request_id: str = ""
    job_id: int | None = None


NO_ORIGIN = Origin()
current_origin: ContextVar[Origin] = ContextVar("origin", default=NO_ORIGIN)


def request_origin(request) -> Origin:
    return Origin(
        ip=client_ip(request),
        user_agent=strip_unprintable(request.headers.get("User-Agent", ""))[:400],
        request_id=choose_request_id(request.headers.get("X-Request-ID", "")),
    )


def client_ip(request) -> str | None:
    """Returns the IP address that the outermost trusted proxy saw; None if it is invalid. Addresses
    further left in X-Forwarded-For are only claimed by the client.
    """
    address = request.META.get("REMOTE_ADDR", "")
    parts = map(str.strip, request.headers.get("X-Forwarded-For", "").split(","))
    forwarded = [part for part in parts if part]
    if settings.TRUSTED_PROXIES and forwarded:
        address = forwarded[-min(settings.TRUSTED_PROXIES, len(forwarded))]
    try:
        # The type inet of PostgreSQL does not accept a zone such as %eth0.
        return str(ip_address(address.partition("%")[0]))
    except ValueError:
        return None


def choose_request_id(given: str) -> str:
    """Returns the proxy's request id if it has the form of one, else a new id."""
    return given if re.fullmatch(r"[A-Za-z0-9._-]{8,64}", given) else uuid.uuid4().hex


def strip_unprintable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())


class RequestIdFilter(logging.Filter):
    """Adds the request id to log records."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_origin.get().request_id or "-"
        return True
