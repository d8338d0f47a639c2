"""What a search found is marked in the text as it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from users.directory import highlight as highlighting
from users.directory.highlight import highlight
from users.identifiers import normalise_search_text


@pytest.mark.parametrize(
    ("text", "words", "marked"),
    [
        ("Anna Müller", ("mull",), "Anna <mark>Müll</mark>er"),
        ("JOSÉ", ("jose",), "<mark>JOSÉ</mark>"),
        ("Straße 7", ("strasse",), "<mark>Straße</mark> 7"),
        ("jo@example.com", ("jo", "example"), "<mark>jo</mark>@<mark>example</mark>.com"),
        ("banana", ("ana", "nan"), "b<mark>anan</mark>a"),
        ("Ann Lee", ("ann lee",), "<mark>Ann Lee</mark>"),
        ("<b>smith</b>", ("smith",), "&lt;b&gt;<mark>smith</mark>&lt;/b&gt;"),
        ("nobody", ("smith",), "nobody"),
        ("anybody", (), "anybody"),
        ("", ("smith",), ""),
    ],
)
def test_matches_are_marked_and_the_rest_is_escaped(text, words, marked):
    assert highlight(text, words) == marked


@given(st.text(st.characters(max_codepoint=0x7F), max_size=30))
def test_plain_text_is_folded_like_any_other(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(highlighting, "is_plain_text", lambda value: False)
        folded, origin = highlighting.fold_with_origins(text)
    found = highlighting.fold_with_origins(text)
    assert (found[0], [*found[1]]) == (folded, origin)


@given(st.text(max_size=60), st.lists(st.text(max_size=5), max_size=3))
def test_no_text_breaks_it_and_none_gets_lost(text, terms):
    words = tuple(filter(None, map(normalise_search_text, terms)))
    assert highlight(text, words).replace("<mark>", "").replace("</mark>", "") == highlight(
        text, ()
    )
