"""Finds people's values in texts, whatever the case, accents and separators between digits.

A scan may search for a hundred thousand values. The time for one text does not depend on their
number.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode

from users.database.erasure_rules import ERASED_TEXT as ERASED
from users.identifiers import PLAIN_LETTERS, fold_identifier, is_ignorable_character

WORD = re.compile(r"[^\W_]+")
# A match must not be part of a longer name or address.
BEFORE = r"(?<![^\W_])(?<![^\W_][_.+\-@])"
AFTER = r"(?![^\W_])(?![_.+\-@][^\W_])"
# Between the words of a name; a plus in a link.
WORD_SEPARATOR = r"(?:,?\s+|\+)"
DIGITS = re.compile(r"(?<![^\W_])[0-9](?:[\s().\-/–]{0,3}[0-9]){5,}(?![^\W_])")
MAX_CLEAN_TEXTS = 10_000
# Shorter numbers are not searched for.
MIN_DIGITS = 6
WordKey = tuple[str, ...]


class Span(NamedTuple):
    """A match in a text."""

    start: int
    end: int
    # The ID of the account whose value it is.
    owner: int


class Matcher:
    """Searches texts for the values of many people."""

    def __init__(self) -> None:
        # Texts and their owners, by their first one or two words.
        self.texts: dict[WordKey, list[tuple[str, int]]] = {}
        # The first words of the texts.
        self.first_words: set[str] = set()
        # Owners by number.
        self.numbers: dict[str, int] = {}
        # The lengths of the numbers.
        self.lengths: set[int] = set()
        # Names by owner.
        self.names: dict[int, list[str]] = {}
        # Searched texts without a match. Many texts, such as user agents and reasons, recur.
        self.clean: set[str] = set()

    def add(self, owner: int, values: dict[str, list[str]]) -> None:
        """Adds the values of one account, folded by `fold_text`.

        `values` has the keys `texts`, `numbers` (digits only) and `names`. Names are shared by many
        people, so they count only if the same text contains another value of the account.
        """
        self.clean.clear()
        for text in values.get("texts", []):
            if key := tuple(WORD.findall(text)[:2]):
                self.texts.setdefault(key, []).append((text, owner))
                self.first_words.add(key[0])
        for number in values.get("numbers", []):
            self.numbers[number] = owner
            self.lengths.add(len(number))
        if values.get("names"):
            self.names[owner] = values["names"]

    def matches_any(self, *texts: object) -> bool:
        """Returns whether one of `texts` contains a value."""
        return any(self.spans(str(text)) for text in texts)

    def matches_value(self, value: Any) -> bool:
        """Returns whether a text, or any text in a JSON value, contains a value."""
        if isinstance(value, str):
            return value not in self.clean and bool(self.spans(value))
        if isinstance(value, dict):
            return any(map(self.matches_value, value.values()))
        return isinstance(value, list) and any(map(self.matches_value, value))

    def spans(self, text: str) -> list[Span]:
        """Returns the matches in `text`, and remembers texts without any."""
        if text in self.clean:
            return []
        found = self.find_spans(text)
        if not found:
            if len(self.clean) >= MAX_CLEAN_TEXTS:
                self.clean.clear()
            self.clean.add(text)
        return found

    def find_spans(self, text: str) -> list[Span]:
        """Returns the matches in `text`, searched in its folded form."""
        form, positions = fold_text(text)
        found = list(self.text_matches(form))
        if self.numbers:
            found += self.number_matches(form)

        def typed(start: int) -> str:
            return text[start if positions is None else positions[start]]

        for owner in {span.owner for span in found} & self.names.keys():
            found += self.name_matches(owner, form, typed)
        if positions is None:
            return found
        return [
            Span(positions[span.start], positions[span.end - 1] + 1, span.owner) for span in found
        ]

    def text_matches(self, form: str) -> Iterator[Span]:
        """Yields the matches of texts, looked up by their first one or two words."""
        # Nearly all texts return here.
        if self.first_words.isdisjoint(WORD.findall(form)):
            return
        words = list(WORD.finditer(form))
        for number, word in enumerate(words):
            follows = words[number + 1][0] if number + 1 < len(words) else ""
            for key in ((word[0],), (word[0], follows)):
                for text, owner in self.texts.get(key, ()):
                    pattern, first = value_pattern(text)
                    start = word.start() - first
                    if start >= 0 and (match := pattern.match(form, start)):
                        yield Span(match.start(), match.end(), owner)

    def name_matches(self, owner: int, form: str, typed: Callable[[int], str]) -> Iterator[Span]:
        """Yields the matches of an owner's names, except in lower case: “will” and “may” are words.

        `typed`: returns the original character at a position of `form`.
        """
        for name in self.names[owner]:
            for match in value_pattern(name)[0].finditer(form):
                if not typed(match.start()).islower():
                    yield Span(match.start(), match.end(), owner)

    def number_matches(self, form: str) -> Iterator[Span]:
        """Yields the matches of numbers, which must begin and end with a group of digits."""
        for run in DIGITS.finditer(form):
            positions = [
                position for position in range(run.start(), run.end()) if form[position].isdigit()
            ]
            digits = "".join(form[position] for position in positions)
            for start, position in enumerate(positions):
                if start and positions[start - 1] == position - 1:
                    continue
                for length in self.lengths:
                    owner = self.numbers.get(digits[start : start + length])
                    if owner is not None and ends_group(positions, start + length):
                        plus = position > 0 and form[position - 1] == "+"
                        yield Span(position - plus, positions[start + length - 1] + 1, owner)

    # --- redaction --------------------------------------------------------------------------------

    def redact(self, text: str, owners: set[int]) -> str:
        """Returns `text` with each value replaced, and adds the accounts concerned to `owners`."""
        spans = sorted(self.spans(text)) if text else []
        if not spans:
            return text
        kept = []
        at = 0
        for span in spans:
            owners.add(span.owner)
            if span.start >= at:
                kept += [text[at : span.start], ERASED]
            at = max(at, span.end)
        return "".join([*kept, text[at:]])

    def redact_query(self, query: str, owners: set[int]) -> str:
        """Returns a query string with its values redacted as by `redact`."""
        pairs = parse_qsl(query, keep_blank_values=True)
        redacted = [(name, self.redact(value, owners)) for name, value in pairs]
        return urlencode(redacted) if redacted != pairs else self.redact(query, owners)

    def redact_json(self, value: Any, owners: set[int], except_keys: Iterable[str] = ()) -> Any:
        """Returns a JSON value with all its texts redacted as by `redact`.

        Keys stay unchanged, and so do the values of the top-level `except_keys`.
        """
        if isinstance(value, str):
            return self.redact(value, owners)
        if isinstance(value, list):
            return [self.redact_json(each, owners) for each in value]
        if not isinstance(value, dict):
            return value
        redacted = dict(value)
        for name in value.keys() - set(except_keys):
            redacted[name] = self.redact_json(value[name], owners)
        return redacted


def ends_group(positions: list[int], end: int) -> bool:
    """Returns whether the digit before `end` is the last one of an unbroken group.

    `positions`: the positions of the digits in the text.
    """
    if end > len(positions):
        return False
    return end == len(positions) or positions[end - 1] + 1 != positions[end]


@lru_cache(maxsize=10_000)
def value_pattern(text: str) -> tuple[re.Pattern, int]:
    """Returns the pattern that finds `text`, and the position of the first word in `text`."""
    first = WORD.search(text)
    whole = WORD_SEPARATOR.join(re.escape(word) for word in text.split())
    return re.compile(BEFORE + whole + AFTER), first.start() if first else 0


def fold_text(text: str) -> tuple[str, list[int] | None]:
    """Returns the folded form of `text`, in which texts are compared, and its positions in `text`.

    There is one position for each character of the form; None means that they are equal.
    """
    if text.isascii():
        return text.lower(), None
    forms = [fold_character(character) for character in text]
    return "".join(forms), [position for position, form in enumerate(forms) for _ in form]


@lru_cache(maxsize=10_000)
def fold_character(character: str) -> str:
    """Returns the folded form of one character, without accents.

    Characters are folded one by one, so that their positions are known.
    """
    if character.isspace():
        return " "
    decomposed = unicodedata.normalize("NFKD", fold_identifier(character))
    plain = "".join(each for each in decomposed if not is_ignorable_character(each))
    return plain.translate(PLAIN_LETTERS)


def search_spellings(text: str) -> list[str]:
    """Returns the folded forms of a value, plain and URL-quoted."""
    return list(dict.fromkeys([fold_text(text)[0], fold_text(quote(text))[0]]))


def dialled_numbers(phone: str) -> list[str]:
    """Returns the digits of a normalised number as people dial it, with and without country code.

    Country codes have one to three digits.
    """
    digits = phone.removeprefix("+")
    if len(digits) < MIN_DIGITS:
        return []
    if not phone.startswith("+"):
        return [digits]
    domestic = [f"0{digits[code:]}" for code in (1, 2, 3)]
    # With the country code and a trunk prefix.
    mixed = [f"{digits[:code]}0{digits[code:]}" for code in (1, 2, 3)]
    forms = (digits, f"00{digits}", *domestic, *mixed)
    return [form for form in forms if len(form) > MIN_DIGITS]
