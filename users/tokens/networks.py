"""Networks in CIDR notation, as people type them."""

from ipaddress import ip_network

from django import forms
from django.core.exceptions import ValidationError

from users.typed_text import isolate_text
from users.web.forms import TextField

MOST_NETWORKS = 50
TEXT_MAX = 4000


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
        if len(networks) > MOST_NETWORKS:
            text = f"Enter at most {MOST_NETWORKS} networks."
            raise ValidationError(text, code="too_many")
        return networks


def normalise_network(text: str) -> str:
    """Returns a network in CIDR notation; a single address becomes a network of one. Raises
    ValidationError.
    """
    try:
        return str(ip_network(text, strict=False))
    except ValueError as error:
        shown = isolate_text(text[:50])
        message = f"{shown} is not a network. Enter one such as 192.0.2.0/24."
        raise ValidationError(message, code="invalid") from error
