"""Entries of the caches: what goes in comes out, and nothing else is believed."""

import pickle
from datetime import UTC, datetime

import pytest
from django.http import HttpResponse
from django.utils.safestring import SafeString

from users.caching import packing
from users.caching.packing import StoredResponse, WrongEntryError, pack_value, unpack_value

VALUES = [
    None,
    True,
    0,
    -17,
    1.5,
    "",
    "Ünï\u202e\ud800",
    [1, "a", None],
    {"a": [1.5, {"b": False}]},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_out_as_it_went_in(value):
    assert unpack_value("key", pack_value("key", value)) == value


def test_safe_text_comes_out_as_plain_text():
    assert type(unpack_value("key", pack_value("key", SafeString("<b>")))) is str


@pytest.mark.parametrize("expiry", [None, datetime(2026, 3, 1, 12, 30, 5, 17, tzinfo=UTC)])
def test_a_page_comes_out_with_its_headers_bytes_and_expiry(expiry):
    content = bytes(range(256)) * 20
    page = StoredResponse(content, headers={"X-A": "é", "Content-Encoding": "br"})
    page.expiry = expiry
    page.row_count = 3
    found = unpack_value("key", pack_value("key", page))
    assert type(found) is StoredResponse
    assert (found.content, found.status_code) == (content, 200)
    assert (dict(found.items()), found.expiry) == (dict(page.items()), expiry)
    assert found.row_count == 3


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, datetime.now(UTC), object(), HttpResponse()])
def test_other_types_are_refused_when_they_are_stored(value):
    with pytest.raises(TypeError):
        pack_value("key", value)


def test_an_entry_belongs_to_its_key():
    entry = pack_value("1:rights", "x")
    for key in ("1:right", "1:rightss", "1:rights ", "", "rights"):
        with pytest.raises(WrongEntryError):
            unpack_value(key, entry)
    # The key's end can't be moved into the body.
    with pytest.raises(WrongEntryError):
        unpack_value("1:rightst", entry[:16] + entry[17:])


def test_no_changed_bit_is_believed():
    entry = pack_value("key", {"admin": False})
    for place in range(len(entry)):
        for bit in range(8):
            changed = bytearray(entry)
            changed[place] ^= 1 << bit
            with pytest.raises(WrongEntryError):
                unpack_value("key", bytes(changed))


@pytest.mark.parametrize("entry", [None, 1, "text", b"", b"x" * 16, pickle.dumps([1] * 50)])
def test_what_is_no_entry_is_refused(entry):
    with pytest.raises(WrongEntryError):
        unpack_value("key", entry)


def test_the_digest_needs_the_secret_key(monkeypatch):
    entry = pack_value("key", 1)
    monkeypatch.setattr(packing, "digest_key", lambda: b"another")
    with pytest.raises(WrongEntryError):
        unpack_value("key", entry)
