"""Decides to which addresses a request to a receiver may go.

A name is resolved once for each connection, and what is connected to is what was checked, whatever
the name resolves to a moment later.
"""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

ADDRESSES_TRIED = 3
PRIVATE_TEXT = "the address of the receiver is private"
# Of the platform itself, which answers with credentials. The others are link-local or private.
METADATA_ADDRESSES = {IPv4Address("168.63.129.16")}
METADATA_HOSTS = {"metadata", "metadata.google.internal", "metadata.goog", "instance-data"}
# Special-purpose networks (RFC 6890) that Python calls global: relays, services and reserved
# blocks. No receiver is in them, and a router may send their packets anywhere.
SPECIAL_NETWORKS = tuple(
    ip_network(text)
    for text in (
        "192.0.0.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.175.48.0/24",
        "2001::/23",
        "2620:4f:8000::/48",
        "3fff::/20",
        "5f00::/16",
    )
)
# An IPv6 address of these networks stands for the IPv4 address in its last 32 bits: mapped,
# translated, compatible (RFC 4291), and those of NAT64 (RFC 6052).
EMBEDDING_NETWORKS = tuple(
    IPv6Network(text) for text in ("::ffff:0:0/96", "::ffff:0:0:0/96", "::/96", "64:ff9b::/96")
)


@dataclass(frozen=True)
class AddressPolicy:
    """Whether private addresses are allowed: all, or those of named hosts. `ca_file`: certificates
    that receivers are checked with instead of those of the system.
    """

    allows_private: bool = False
    private_hosts: frozenset[str] = frozenset()
    ca_file: str = ""

    def allows(self, host: str) -> bool:
        """Returns whether the host may have a private address."""
        return self.allows_private or host.lower() in self.private_hosts


def allowed_addresses(host: str, port: int, policy: AddressPolicy) -> list[tuple]:
    """Returns addresses of a host that the policy allows. Raises OSError if there are none."""
    if host.lower().rstrip(".") in METADATA_HOSTS and not policy.allows(host):
        raise OSError(PRIVATE_TEXT)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [each[4] for each in found]
    if policy.allows(host):
        return addresses[:ADDRESSES_TRIED]
    allowed = [each for each in addresses if is_public(str(each[0]))]
    if not allowed:
        raise OSError(PRIVATE_TEXT)
    return allowed[:ADDRESSES_TRIED]


def is_public(text: str) -> bool:
    """Returns whether an address is one of the public internet, and so are those within it."""
    address = ip_address(text.partition("%")[0])
    embedded = embedded_addresses(address)
    return all(map(is_public_address, [address, *embedded]))


def is_public_address(address: IPv4Address | IPv6Address) -> bool:
    if address in METADATA_ADDRESSES or getattr(address, "is_site_local", False):
        return False
    if any(address in network for network in SPECIAL_NETWORKS):
        return False
    is_mapped = isinstance(address, IPv6Address) and address.ipv4_mapped is not None
    # Python calls mapped addresses private; the address within decides.
    return (address.is_global or is_mapped) and not address.is_multicast


def embedded_addresses(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """Returns the IPv4 addresses that an IPv6 address leads to."""
    if isinstance(address, IPv4Address):
        return []
    found = []
    if any(address in network for network in EMBEDDING_NETWORKS):
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found += address.teredo
    return found


def connect_any(addresses: list[tuple], seconds: float) -> socket.socket:
    """Connects to the first address that answers. Raises OSError."""
    *others, last = addresses
    for address in others:
        try:
            return socket.create_connection(address[:2], seconds)
        except OSError:
            continue
    return socket.create_connection(last[:2], seconds)
