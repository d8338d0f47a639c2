"""Strict JSON: whoever reads a body learns the place of what is refused."""

import pytest

from users.web.strict_json import BadJson, UnstorableText, read_strict_json

pytestmark = pytest.mark.sqlite  # no database


@pytest.mark.parametrize(
    ("body", "keys", "reason"),
    [
        (b'{"a": {"b": 1, "b": 2}}', ("b",), "“b” is given twice."),
        (b'{"\\u0000\\ud800": 1, "\\u0000\\ud800": 2}', ("\x00\ud800",), "“??” is given twice."),
        (b'{"a": [1, Infinity]}', (), "Infinity is not a number in JSON."),
        (b'{"a": [[1]]}', ("a", 0), "The body can be nested at most 2 levels deep."),
        (b"[" * 100_000, (), "The body can be nested at most 2 levels deep."),
        (b'{"a": "\xff"}', (), "The body is not UTF-8."),
        (b'{"a"', (), "The body is not valid JSON: Expecting ':' delimiter"),
        (b'["%s"]' % (b"x" * 100_001), (0,), "A text can have at most 100,000 characters."),
    ],
)
def test_what_is_ambiguous_or_too_large_is_refused(body, keys, reason):
    with pytest.raises(BadJson) as refused:
        read_strict_json(body, max_depth=2)
    assert str(refused.value).startswith(reason)
    assert refused.value.keys == keys


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        (b'{"a": ["b", "c\\u0000"]}', ("a", 1)),
        (b'{"a": "\\udc00"}', ("a",)),
        (b'{"\\ud800": 1}', ("\ud800",)),
    ],
)
def test_text_that_no_database_stores_is_named(body, keys):
    with pytest.raises(UnstorableText) as refused:
        read_strict_json(body, max_depth=2)
    assert refused.value.keys == keys


def test_names_may_be_compared_without_their_case():
    body = b'{"a": 1, "A": 2}'
    assert read_strict_json(body, max_depth=1) == {"a": 1, "A": 2}
    with pytest.raises(BadJson, match="given twice"):
        read_strict_json(body, max_depth=1, ignores_case=True)


def test_a_byte_order_mark_and_whole_pairs_are_read():
    body = b'\xef\xbb\xbf["\\ud83d\\ude00", "\xf0\x9f\x98\x80", [[]]]'
    assert read_strict_json(body, max_depth=3) == ["😀", "😀", [[]]]
