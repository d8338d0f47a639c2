"""Characters that nobody can see, and texts that could turn a sentence around."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from users.typed_text import LINE_BREAKS, isolate_text, refuse_hidden

pytestmark = pytest.mark.sqlite  # of text, and not of the database

HIDDEN = [
    "\u202e",
    "\u202a",
    "\u202c",
    "\u2066",
    "\u2068",
    "\u2069",
    "\u2028",
    "\u2029",
    "\u200b",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u034f",
    "\u200d",
    "\u200c",
    "\u200e",
    "\u061c",
    "\ufe0f",
    "\U000e0061",
    "\u3164",
    "\u1160",
    "\u2800",
    "\x00",
    "\x1b",
    "\ufffe",
    "\ud800",
]


@pytest.mark.parametrize("char", HIDDEN, ids=lambda char: f"U+{ord(char):04X}")
def test_a_character_that_nobody_sees_is_refused_and_its_place_named(char):
    with pytest.raises(ValidationError) as caught:
        refuse_hidden(f"Ann{char}Berg", LINE_BREAKS)
    message = caught.value.messages[0]
    assert f"(U+{ord(char):04X}) after “Ann”. Remove it." in message


@pytest.mark.parametrize(
    "text",
    [
        "👩‍👩‍👧",
        "❤️‍🔥",
        "👩🏽‍🚀",
        "1️⃣",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "می‌خواهم",
        "ക്‍",
        "葛\U000e0100城",
        "שלום\u200f!",
        "ᠠ᠋",
        "⠓⠀⠊",
        "Zoë O’Brien, Jr.",
    ],
)
def test_what_a_script_or_an_emoji_needs_stays(text):
    assert refuse_hidden(text) == text


def test_line_breaks_are_for_longer_texts():
    assert refuse_hidden("one\r\n\ttwo", LINE_BREAKS) == "one\r\n\ttwo"
    with pytest.raises(ValidationError, match="control character"):
        refuse_hidden("one\ntwo")


@pytest.mark.parametrize("name", ["Ann Berg", "Zoë", "李小龍", "Ψυχή", ""])
def test_a_name_from_left_to_right_needs_no_isolation(name):
    assert isolate_text(name) == name


@pytest.mark.parametrize(
    ("name", "isolated"),
    [
        ("محمد", "\u2068محمد\u2069"),
        ("עדי 1", "\u2068עדי 1\u2069"),
        ("\u202eevil x", "\u2068evil x\u2069"),
        ("a\u2069b", "\u2068ab\u2069"),
    ],
)
def test_a_name_that_could_turn_the_words_beside_it_is_isolated(name, isolated):
    assert isolate_text(name) == isolated


@given(st.text())
def test_an_isolated_text_closes_what_it_opens(value):
    found = isolate_text(value)
    assert found.count("\u2068") == found.count("\u2069") <= 1
    assert not set(found) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067")
