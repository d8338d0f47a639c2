"""Where an address is, as far as it tells by itself."""

import pytest

from users.sessions.ip_labels import ip_label


@pytest.mark.parametrize(
    ("ip", "words"),
    [
        ("127.0.0.1", "this computer, 127.0.0.1"),
        ("::1", "this computer, ::1"),
        ("10.1.2.3", "private network, 10.1.2.3"),
        ("172.31.0.1", "private network, 172.31.0.1"),
        ("172.32.0.1", "172.32.0.1"),
        ("192.168.1.7", "private network, 192.168.1.7"),
        ("::ffff:192.168.1.7", "private network, 192.168.1.7"),
        ("fd12::1", "private network, fd12::1"),
        ("fe80::1", "link-local network, fe80::1"),
        ("100.64.0.1", "shared provider network, 100.64.0.1"),
        ("8.8.8.8", "8.8.8.8"),
        ("2001:4860:4860::8888", "2001:4860:4860::8888"),
        (None, "unknown IP address"),
        ("", "unknown IP address"),
    ],
)
def test_a_place_in_words(ip, words):
    assert ip_label(ip) == words
