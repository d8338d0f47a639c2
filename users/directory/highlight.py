"""Marks the matches of a search in a text.

The search compares normalised text, so matches are found there and mapped back to the original.
"""

from collections.abc import Sequence
from functools import lru_cache

# Django's own `escape` first checks for lazy arguments, which takes longer than escaping.
from html import escape

from django.utils.safestring import SafeString, mark_safe

from users.identifiers import fold_plain_text, is_plain_text, normalise_search_text

# Characters; longer than any value in the table.
HIGHLIGHT_MAX = 400


def highlight(text: str, words: tuple[str, ...]) -> SafeString:
    """Returns `text` as HTML with <mark> around each match. `words` are normalised."""
    if not words or not text or len(text) > HIGHLIGHT_MAX:
        return SafeString(escape(text))
    spans = merge_spans(sorted(span for word in words for span in match_spans(text, word)))
    parts = []
    at = 0
    for start, end in spans:
        parts += [escape(text[at:start]), "<mark>", escape(text[start:end]), "</mark>"]
        at = end
    parts.append(escape(text[at:]))
    return mark_safe("".join(parts))  # noqa: S308  every part of the text is escaped


def breakable_address(address: str, words: tuple[str, ...] = ()) -> SafeString:
    """Returns an address as HTML with matches marked, which may break after its "@" and dots."""
    html = highlight(address, words)
    return SafeString(html.replace("@", "@<wbr>").replace(".", ".<wbr>"))


def match_spans(text: str, word: str) -> list[tuple[int, int]]:
    """Returns the start and end of each match of `word` in `text`."""
    folded, origin = fold_with_origins(text)
    spans = []
    start = folded.find(word)
    while start != -1:
        spans.append((origin[start], origin[start + len(word) - 1] + 1))
        start = folded.find(word, start + len(word))
    return spans


def fold_with_origins(text: str) -> tuple[str, Sequence[int]]:
    """Returns the folded text and, for each of its characters, the position of its source."""
    # Most texts are plain, for which this takes a thirtieth of the time.
    if is_plain_text(text):
        return fold_plain_text(text), range(len(text))
    folded = ""
    origin = []
    for position, char in enumerate(text):
        form = folded_form(char)
        folded += form
        origin += [position] * len(form)
    return folded, origin


@lru_cache(maxsize=4096)
def folded_form(char: str) -> str:
    """Returns the form of a character in folded text. It is cached: texts repeat few characters."""
    return " " if char.isspace() else normalise_search_text(char)


def merge_spans(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Returns `spans`, which are sorted, with overlapping ones merged."""
    result: list[tuple[int, int]] = []
    for start, end in spans:
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result
