"""Networks in CIDR notation, as people type them."""

from ipaddress import IPv4Network, IPv6Network, ip_network

from django import forms
from django.core.exceptions import ValidationError

from users.typed_text import isolate_text
from users.web.forms import TextField

MAX_NETWORKS = 50
TEXT_MAX = 4000
# Before the IPv4 address in an IPv6 address that stands for it (RFC 4291, section 2.5.5.2).
MAPPED_BITS = 96


class NetworksField(TextField):
    """Takes networks or addresses, one a line, and returns a list of them in CIDR notation."""

    def __init__(self, **kwargs: object):
        area = forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocapitalize": "none"})
        super().__init__(
            required=False,
            max_length=TEXT_MAX,
            widget=area,
            **kwargs,
        )

    def clean(self, value: str) -> list[str]:
        words = super().clean(value).replace(",", " ").split()
        networks = list(dict.fromkeys(map(normalise_network, words)))
        if len(networks) > MAX_NETWORKS:
            text = f"Enter at most {MAX_NETWORKS} networks."
            raise ValidationError(text, code="too_many")
        return networks


def normalise_network(text: str) -> str:
    """Returns a network in CIDR notation; a single address becomes a network of one. Raises
    ValidationError.
    """
    shown = isolate_text(text[:50])
    if "%" in text:
        message = f"{shown} has a zone, which no client address has. Enter it without “%”."
        raise ValidationError(message, code="zone")
    try:
        return str(unmapped_network(ip_network(text, strict=False)))
    except ValueError as error:
        message = f"{shown} is not a network. Enter one such as 192.0.2.0/24."
        raise ValidationError(message, code="invalid") from error


def unmapped_network(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """Returns the IPv4 network of one such as ::ffff:192.0.2.0/120, because client addresses are
    compared as IPv4.
    """
    first = getattr(network.network_address, "ipv4_mapped", None)
    if first is None or network.prefixlen < MAPPED_BITS:
        return network
    return IPv4Network((int(first), network.prefixlen - MAPPED_BITS))
