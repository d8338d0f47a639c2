"""Where an address is, as far as it tells by itself."""

import pytest
from environ import Env
from session_settings import geoip_path

from tests.sessions.place_database import write_places
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


def test_a_public_address_gets_its_place(settings, monkeypatch, tmp_path):
    berlin = {"city": {"names": {"en": "Berlin"}}, "country": {"names": {"en": "Germany"}}}
    places = {"192.0.2.7": berlin, "192.0.2.8": {"country": {"names": {"en": "Peru"}}}}
    file = write_places(tmp_path / "places.mmdb", places | {"192.0.2.9": {"city": "?"}})
    monkeypatch.setenv("GEOIP_PATH", str(file))
    settings.GEOIP_PATH = geoip_path(Env())
    assert ip_label("192.0.2.7") == "Berlin, Germany, 192.0.2.7"
    assert ip_label("::ffff:192.0.2.7") == "Berlin, Germany, 192.0.2.7"
    assert ip_label("192.0.2.8") == "Peru, 192.0.2.8"
    assert ip_label("10.0.0.7") == "private network, 10.0.0.7"
    for other in ("192.0.2.1", "192.0.2.9", "2001:db8::1"):
        assert ip_label(other) == other


def test_a_missing_or_damaged_database_fails_no_page(settings, tmp_path):
    file = write_places(tmp_path / "places.mmdb", {"192.0.2.7": {"city": {"names": {}}}})
    settings.GEOIP_PATH = str(tmp_path / "none.mmdb")
    assert ip_label("192.0.2.7") == "192.0.2.7"
    content = file.read_bytes()
    for length in (10, len(content) // 2, len(content) - 1):
        damaged = tmp_path / f"{length}.mmdb"
        damaged.write_bytes(bytes(length) + content[length:])
        settings.GEOIP_PATH = str(damaged)
        assert ip_label("192.0.2.7") == "192.0.2.7"
