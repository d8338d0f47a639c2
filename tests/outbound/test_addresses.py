"""Which addresses a request to a receiver may go to, and which URLs staff may enter."""

import socket

import pytest
from django.core.exceptions import ValidationError

from tests.audit.feeds.receivers import running_receiver
from users.outbound.addresses import AddressPolicy, allowed_addresses, is_public
from users.outbound.http_sender import MAX_ANSWER_BYTES, HttpSender
from users.outbound.receiver_urls import clean_receiver_url

pytestmark = pytest.mark.sqlite  # of no database

PRIVATE = [
    "127.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "::1",
    "::",
    "fd00::1",
    "fd00:ec2::254",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "::ffff:168.63.129.16",
    "192.88.99.1",
    "192.0.0.9",
    "192.175.48.1",
    "64:ff9b::192.88.99.1",
    "2001:4:112::1",
    "3fff::1",
    "5f00::1",
]
PUBLIC = ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
HOSTILE = {
    "file:///etc/passwd": "shape",
    "ftp://example.com/": "scheme",
    "http://example.com/": "scheme",
    "javascript:alert(1)": "shape",
    "//example.com/": "scheme",
    "https://": "shape",
    "https://example.com:0/": "shape",
    "https://example.com:99999/": "shape",
    "https://example.com:/": "shape",
    "https://[::1/": "shape",
    "https://user:secret@example.com/": "userinfo",
    "https://example.com@127.0.0.1/": "userinfo",
    "https://example.com\\@127.0.0.1/": "characters",
    "https://bücher.example/": "characters",
    "https://example。com/": "characters",
    "https://exam\u202eple.com/": "characters",
    "https://example.com/a b": "characters",
    "https://example.com/\n": "characters",
    "https://example.com/\x00": "characters",
    "https://example.com/#part": "fragment",
    "https://2130706433/": "shape",
    "https://0x7f.1/": "shape",
    "https://127.1/": "shape",
    "https://-a.example/": "shape",
    "https://exam%70le.com/": "shape",
    "https://127.0.0.1/": "private",
    "https://[::ffff:10.0.0.1]/": "private",
    "https://localhost/": "private",
    "https://x.localhost./": "private",
    "https://intranet/": "private",
    "https://metadata.google.internal./": "private",
    "https://example.com/" + 1_000_000 * "a": "long",
}


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_of_the_internet_is_private(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused(url):
    with pytest.raises(ValidationError) as refused:
        clean_receiver_url(url, AddressPolicy())
    assert refused.value.code == HOSTILE[url]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://EXAMPLE.com:8443/a?b=c%20d",
        "https://xn--bcher-kva.example./",
        "https://93.184.216.34/",
    ],
)
def test_a_public_url_is_taken(url):
    assert clean_receiver_url(url, AddressPolicy()) == url


def test_a_named_host_may_be_private_and_without_tls():
    policy = AddressPolicy(private_hosts=frozenset({"hooks.internal", "127.0.0.1"}))
    assert clean_receiver_url("http://hooks.internal:8080/", policy)
    assert allowed_addresses("127.0.0.1", 80, policy)
    with pytest.raises(OSError, match="private"):
        allowed_addresses("127.0.0.2", 80, policy)


def test_a_name_is_checked_again_at_each_connection(monkeypatch):
    """A name that leads elsewhere at the second look gets nothing."""
    with running_receiver() as receiver:
        found = ["93.184.216.34", "127.0.0.1"]

        def resolve(host, port, **options):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found.pop(0), port))]

        connected = []

        def connect(address, seconds):
            connected.append(address)
            raise ConnectionRefusedError

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        monkeypatch.setattr(socket, "create_connection", connect)
        sender = HttpSender(f"http://rebinding.example:{receiver.server_port}/", AddressPolicy())
        with pytest.raises(ConnectionRefusedError):
            sender.post("{}", {}, 1)
        with pytest.raises(OSError, match="private"):
            sender.post("{}", {}, 1)
        assert connected == [("93.184.216.34", receiver.server_port)]
        assert not receiver.requests


def test_of_an_answer_the_head_and_four_kilobytes_are_read():
    policy = AddressPolicy(allows_private=True)
    with running_receiver() as receiver:
        receiver.answers = [302, 200]
        receiver.content = b"x" * 3 * MAX_ANSWER_BYTES
        sender = HttpSender(f"http://127.0.0.1:{receiver.server_port}/", policy)
        moved = sender.post("{}", {}, 1)
        assert moved.status == 302
        assert "Location: /elsewhere" in moved.head
        assert len(moved.body) == MAX_ANSWER_BYTES
        assert sender.post("{}", {}, 1).status == 200
        assert len(receiver.requests) == 2  # and none for the other address
        sender.close()
