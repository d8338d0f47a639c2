"""Opens connections to receivers: TLS with a checked certificate, to private addresses only if the
settings allow it, and with a time limit for all that is done with one.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from ipaddress import IPv6Address, ip_address
from threading import Timer

from django.conf import settings

# For each step of a connection.
STEP_SECONDS = 5
ADDRESSES_TRIED = 3


class LimitedStreams:
    """Opens connections, one at a time, and ends the newest when the limit of a block is reached. A
    receiver that sends a byte now and then keeps each step short, but not all of them.
    """

    def __init__(self) -> None:
        # TLS takes the socket itself over, so this is a duplicate.
        self.newest: socket.socket | None = None
        self.is_over = False

    def open(self, host: str, port: int) -> socket.socket:
        """Connects to the first address of a host that answers, without TLS. Raises OSError."""
        plain = connect_any(public_addresses(host, port))
        self.close()
        self.newest = plain.dup()
        # The limit may have been reached just before there was a socket to end.
        if self.is_over:
            plain.close()
            raise TimeoutError
        return plain

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Raises TimeoutError if the block takes longer."""
        self.is_over = False
        timer = Timer(seconds, self.end_newest)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, HTTPException):
            if not self.is_over:
                raise
        finally:
            timer.cancel()
        if self.is_over:
            raise TimeoutError(f"no whole answer within {seconds} seconds")

    def end_newest(self) -> None:
        self.is_over = True
        with suppress(OSError, AttributeError):
            self.newest.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]

    def close(self) -> None:
        if self.newest is not None:
            self.newest.close()
            self.newest = None


def with_tls(plain: socket.socket, host: str) -> ssl.SSLSocket:
    """Starts TLS on a connection, and checks the certificate. Raises OSError."""
    context = ssl.create_default_context(cafile=settings.AUDIT_FEEDS.ca_file or None)
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except OSError:
        plain.close()
        raise


def public_addresses(host: str, port: int) -> list[tuple]:
    """Returns the addresses of a host that are allowed. What is connected to is what was checked,
    whatever the name resolves to a moment later. Raises OSError.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [each[4] for each in found]
    if settings.AUDIT_FEEDS.allows_private:
        return addresses[:ADDRESSES_TRIED]
    allowed = [each for each in addresses if is_public(str(each[0]))]
    if not allowed:
        raise OSError("the address of the receiver is private")
    return allowed[:ADDRESSES_TRIED]


def is_public(text: str) -> bool:
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_global and not address.is_multicast


def connect_any(addresses: list[tuple]) -> socket.socket:
    *others, last = addresses
    for address in others:
        try:
            return socket.create_connection(address[:2], STEP_SECONDS)
        except OSError:
            continue
    return socket.create_connection(last[:2], STEP_SECONDS)
