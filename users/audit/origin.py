"""The origin of a request, for events and log lines. It is kept in a context variable, so that
verbs need no request.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from uuid import UUID, uuid4

from django.conf import settings

logger = logging.getLogger(__name__)

# The probes of a platform come from its own network.
PROBE_PATHS = ("/healthz", "/readyz", "/metrics")
# The secret part of links in emails.
LINK_SECRET = re.compile(r"(/password/choose/|/email/|/unsubscribe/)[0-9A-Za-z]+-[0-9A-Za-z._-]+")


@dataclass(frozen=True)
class Origin:
    ip: str | None = None
    user_agent: str = ""
    request_id: str = ""
    # The public ID of the session. users/sessions adds it when it loads the viewer, and at sign-in.
    session_id: UUID | None = None
    job_id: int | None = None
    # The ticket of the change, as typed beside its reason.
    ticket: str = ""


NO_ORIGIN = Origin()
current_origin: ContextVar[Origin] = ContextVar("origin", default=NO_ORIGIN)


@contextmanager
def change_ticket(ticket: str) -> Iterator[None]:
    """Gives events and jobs inside the block the ticket of their change."""
    outer = current_origin.get()
    current_origin.set(replace(outer, ticket=ticket))
    try:
        yield
    finally:
        # The session may have been noted inside the block.
        current_origin.set(replace(current_origin.get(), ticket=outer.ticket))


def note_session(session_id: UUID | None) -> None:
    """Adds a session to the origin of the current request, for the events that it records from now
    on. It does nothing without a request, as in a command.
    """
    origin = current_origin.get()
    if origin.request_id:
        current_origin.set(replace(origin, session_id=session_id))


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
    forwarded = forwarded_addresses(request)
    if settings.TRUSTED_PROXIES and forwarded:
        address = forwarded[-min(settings.TRUSTED_PROXIES, len(forwarded))]
    try:
        # The type inet of PostgreSQL does not accept a zone such as %eth0.
        return str(plain_address(address.partition("%")[0]))
    except ValueError:
        return None


def plain_address(text: str) -> IPv4Address | IPv6Address:
    """Returns an address; the IPv4 one of an address such as ::ffff:192.0.2.1, which a server that
    listens on :: sees. Raises ValueError.
    """
    address = ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address


class ProxyWatch:
    """Notes requests that cannot have come through the proxies of TRUSTED_PROXIES: clients reach
    the server itself, and can fake their address.
    """

    def __init__(self) -> None:
        self.found = False

    def note_request(self, request) -> None:
        if self.found or not settings.TRUSTED_PROXIES or request.path_info in PROBE_PATHS:
            return
        if not forwarded_addresses(request):
            self.found = True
            logger.warning(self.problem())

    def problem(self) -> str:
        """Returns a sentence about what was found; "" for nothing."""
        if not self.found:
            return ""
        return (
            f"TRUSTED_PROXIES is {settings.TRUSTED_PROXIES}, but a request came without "
            "X-Forwarded-For: set it to the number of proxies, 0 without one"
        )


PROXY_WATCH = ProxyWatch()


def warn_about_proxies() -> None:
    """Logs a warning at the start of the web server if the number of proxies is only assumed."""
    if settings.TRUSTED_PROXIES and not settings.TRUSTED_PROXIES_GIVEN:
        logger.warning(
            "TRUSTED_PROXIES is not set, so one proxy is assumed. Without one, clients can fake "
            "their IP address: set it to the number of proxies, or to 0."
        )


def forwarded_addresses(request) -> list[str]:
    parts = map(str.strip, request.headers.get("X-Forwarded-For", "").split(","))
    return [part for part in parts if part]


def choose_request_id(given: str) -> str:
    """Returns the proxy's request id if it has the form of one, else a new id."""
    return given if re.fullmatch(r"[A-Za-z0-9._-]{8,64}", given) else uuid4().hex


def strip_unprintable(text: str) -> str:
    # True of nearly every browser, and asked in every request.
    if text.isprintable():
        return text
    return "".join(char for char in text if char.isprintable())


class RequestIdFilter(logging.Filter):
    """Adds the request id to log records."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_origin.get().request_id or "-"
        return True


class LinkFilter(logging.Filter):
    """Removes the secret part of links from Django's records of responses, and the traceback of a
    refused request, which is no error.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(without_link_secret, record.args))
        if getattr(record, "status_code", 0) == 403:
            record.exc_info = None
        return True


def without_link_secret(value: object) -> object:
    return LINK_SECRET.sub(r"\1…", value) if isinstance(value, str) else value
