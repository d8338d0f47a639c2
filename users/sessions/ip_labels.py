"""Labels IP addresses by their network, or by their place if there is a database of places."""

from ipaddress import IPv6Address, ip_address, ip_network

from users.sessions.ip_locations import ip_location

UNKNOWN = "unknown IP address"
NETWORKS = [
    ("this computer", ["127.0.0.0/8", "::1/128"]),
    ("private network", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]),
    ("link-local network", ["169.254.0.0/16", "fe80::/10"]),
    ("shared provider network", ["100.64.0.0/10"]),
]
KNOWN_NETWORKS = [
    (words, ip_network(network)) for words, networks in NETWORKS for network in networks
]


def ip_label(ip: str | None) -> str:
    """Returns a label such as "private network, 10.0.0.7" or, with a database of places, "Berlin,
    Germany, 192.0.2.7"; otherwise the address alone.
    """
    if not ip:
        return UNKNOWN
    address = ip_address(ip)
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    for words, network in KNOWN_NETWORKS:
        if address.version == network.version and address in network:
            return f"{words}, {address}"
    place = ip_location(str(address))
    return f"{place}, {address}" if place else str(address)
