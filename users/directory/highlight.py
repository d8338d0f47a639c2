"""Marks in a text what a search found in it, although the search compares another form of the text."""

from html import (
    escape,
)  # Django's own asks of each argument whether it is lazy, which takes longer than to escape it

from django.utils.safestring import SafeString, mark_safe

from users.identifiers import normalise_search_text

HIGHLIGHT_MAX = (
    400  # characters; nothing in the table is longer, and nothing longer is worth the time
)


def highlight(text: str, words: tuple[str, ...]) -> SafeString:
    """`text` as HTML, with <mark> around each place where one of `words` (in search form) stands."""
    if not words or not text or len(text) > HIGHLIGHT_MAX:
        return SafeString(escape(text))
    spans = merge_spans(sorted(span for word in words for span in match_spans(text, word)))
    parts = []
    at = 0
    for start, end in spans:
        parts += [escape(text[at:start]), "<mark>", escape(text[start:end]), "</mark>"]
        at = end
    return mark_safe("".join([*parts, escape(text[at:])]))  # noqa: S308  every piece of text is escaped


def match_spans(text: str, word: str) -> list[tuple[int, int]]:
    """Where `word` stands in `text`, as positions in `text`: found in the folded text and carried
    back.
    """
    folded = ""
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
    """Sorted spans without overlaps."""
    result: list[tuple[int, int]] = []
    for start, end in spans:
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result
