"""Cells that are no formulas, and that come back as they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from users.web.csv_text import FORMULA_STARTS, escape_formula, unescape_formula

# Texts of which many begin with what matters here.
TEXTS = st.builds(
    str.__add__,
    st.text(alphabet=st.sampled_from("'=+-@\t＝ "), max_size=4),
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8),
)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("-Dash", "'-Dash"),
        ("＝1", "'＝1"),
        ("'-Dash", "''-Dash"),
        ("''=1", "'''=1"),
        ("'Quote", "'Quote"),
        ("''", "''"),
        ("", ""),
    ],
)
def test_an_apostrophe_is_added_only_before_a_formula_and_taken_off_only_there(text, cell):
    assert escape_formula(text) == cell
    assert unescape_formula(cell) == text


@given(TEXTS)
def test_each_text_is_another_cell_and_no_formula(text):
    assert not escape_formula(text).startswith(FORMULA_STARTS)
    assert unescape_formula(escape_formula(text)) == text
