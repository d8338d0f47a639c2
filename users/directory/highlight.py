"""Marks the matches of a search in a text. The search compares another form of the text, so matches
are found in that form and mapped back.
"""

# Django's own `escape` checks whether each argument is lazy, which takes longer than escaping.
from html import escape

from django.utils.safestring import SafeString, mark_safe

from users.identifiers import normalise_search_text

HIGHLIGHT_MAX = 400  # characters; longer than any value in the table


def highlight(text: str, words: tuple[str, ...]) -> SafeString:
    """Returns `text` as HTML, with <mark> around each match of one of `words`, which are in search
    form.
    """
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


def match_spans(text: str, word: str) -> list[tuple[int, int]]:
    """Returns start and end of each match of `word`, as positions in `text`."""
    folded = ""
    # For each character of the folded text, the position of the one that it comes from.
    origin = []
    for position, char in enumerate(text):
        form = " " if char.isspace() else normalise_search_text(char)
        folded += form
        origin += [position] * len(form)
    spans = []
    start = folded.find(word)
    while start != -1:
        spans.append((origin[start], origin[start + len(word) - 1] + 1))
        start = folded.find(word, start + len(word))
    return spans


def merge_spans(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Returns sorted spans with overlapping ones joined."""
    result: list[tuple[int, int]] = []
    for start, end in spans:
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result
