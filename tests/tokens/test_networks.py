"""Networks as people type them."""

import pytest
from django.core.exceptions import ValidationError

from users.tokens.networks import NetworksField, normalise_network


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.7/120", "192.0.2.0/24"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::/0", "::/0"),
    ],
)
def test_a_network_is_stored_as_client_addresses_are_compared(typed, stored):
    assert normalise_network(typed) == stored


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("fe80::1%eth0", "has a zone"),
        ("fe80::%1/64", "has a zone"),
        ("example.org", "is not a network"),
        ("192.0.2.0/33", "is not a network"),
    ],
)
def test_a_text_that_matches_no_client_is_refused(typed, sentence):
    with pytest.raises(ValidationError, match=sentence):
        NetworksField().clean(typed)
