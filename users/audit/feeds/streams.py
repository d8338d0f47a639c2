"""Opens connections to receivers: TLS with a checked certificate, and to private addresses only if
the settings allow it.
"""

import socket
import ssl
from ipaddress import IPv6Address, ip_address

from django.conf import settings

# For each step of a connection.
STEP_SECONDS = 5
ADDRESSES_TRIED = 3


def open_stream(host: str, port: int, *, is_tls: bool) -> socket.socket:
    """Connects to the first address of a host that answers. Raises OSError."""
    plain = connect_any(public_addresses(host, port))
    return with_tls(plain, host) if is_tls else plain


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
