"""Finds the values of people in texts, however they are spelled there: other case, accents, signs
between the digits of a number. What there is to find may be a hundred thousand values: the time
that a text takes does not depend on how many.
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
BEFORE, BEHIND = (
    r"(?<![^\W_])(?<![^\W_][_.+\-@])",
    r"(?![^\W_])(?![_.+\-@][^\W_])",
)  # no part of a longer name or address
WORD_SEPARATOR = r"(?:,?\s+|\+)"  # words of a name; a plus in a link
DIGITS = re.compile(r"(?<![^\W_])[0-9](?:[\s().\-/–]{0,3}[0-9]){5,}(?![^\W_])")
MAX_CLEAN_TEXTS = 10_000  # texts
MIN_DIGITS = 6  # digits of a number that is looked for
WordKey = tuple[str, ...]


class Span(NamedTuple):
    start: int
    end: int
    owner: int


class Matcher:
    """The values of people, by the id of the account that each was."""

    def __init__(self) -> None:
        self.texts: dict[WordKey, list[tuple[str, int]]] = {}
        self.heads: set[str] = set()  # first words of them
        self.numbers: dict[str, int] = {}
        self.lengths: set[int] = set()
        self.names: dict[int, list[str]] = {}
        self.clean: set[str] = (
            set()
        )  # texts in which nothing was found: browsers and reasons come again and again

    def add(self, owner: int, values: dict[str, list[str]]) -> None:
        """`values`: `texts`, `numbers` with their digits alone, and `names`, by which many people
        are called: they count only where something else in the same text says who is meant. All as
        `folded` gives them.
        """
        self.clean.clear()
        for text in values.get("texts", []):
            if key := tuple(WORD.findall(text)[:2]):
                self.texts.setdefault(key, []).append((text, owner))
                self.heads.add(key[0])
        for number in values.get("numbers", []):
            self.numbers[number] = owner
            self.lengths.add(len(number))
        if values.get("names"):
            self.names[owner] = values["names"]

    def within(self, *texts: object) -> bool:
        return any(self.spans(str(text)) for text in texts)

    def holds(self, value: Any) -> bool:
        """Whether one of them stands in a text, or in a text in what JSON holds."""
        if isinstance(value, str):
            return value not in self.clean and bool(self.spans(value))
        if isinstance(value, dict):
            return any(map(self.holds, value.values()))
        return isinstance(value, list) and any(map(self.holds, value))

    def spans(self, text: str) -> list[Span]:
        """Where they stand in `text`."""
        if text in self.clean:
            return []
        if not (found := self.looked_for(text)):
            if len(self.clean) >= MAX_CLEAN_TEXTS:
                self.clean.clear()
            self.clean.add(text)
        return found

    def looked_for(self, text: str) -> list[Span]:
        form, places = fold_text(text)
        found = [*self.in_words(form), *(self.in_digits(form) if self.numbers else ())]
        for owner in {span.owner for span in found} & self.names.keys():
            found += self.in_names(
                owner, form, lambda start: text[start if places is None else places[start]]
            )
        if places is None:
            return found
        return [Span(places[span.start], places[span.end - 1] + 1, span.owner) for span in found]

    def in_words(self, form: str) -> Iterator[Span]:
        if self.heads.isdisjoint(WORD.findall(form)):  # nearly always
            return
        words = list(WORD.finditer(form))
        for number, word in enumerate(words):
            follows = words[number + 1][0] if number + 1 < len(words) else ""
            for key in ((word[0],), (word[0], follows)):
                for text, owner in self.texts.get(key, ()):
                    pattern, first = value_pattern(text)
                    if word.start() >= first and (
                        match := pattern.match(form, word.start() - first)
                    ):
                        yield Span(match.start(), match.end(), owner)

    def in_names(self, owner: int, form: str, typed: Callable[[int], str]) -> Iterator[Span]:
        """Not in small letters: “will” and “may” are words. `typed`: the character at a place of
        `form`, as it was.
        """
        for name in self.names[owner]:
            for match in value_pattern(name)[0].finditer(form):
                if not typed(match.start()).islower():
                    yield Span(match.start(), match.end(), owner)

    def in_digits(self, form: str) -> Iterator[Span]:
        """A number begins and ends where a group of digits does."""
        for run in DIGITS.finditer(form):
            places = [place for place in range(run.start(), run.end()) if form[place].isdigit()]
            digits = "".join(form[place] for place in places)
            for start, place in enumerate(places):
                if start and places[start - 1] == place - 1:
                    continue
                for length in self.lengths:
                    end = start + length
                    cut = end < len(places) and places[end - 1] + 1 == places[end]
                    if (
                        end > len(places)
                        or cut
                        or (owner := self.numbers.get(digits[start:end])) is None
                    ):
                        continue
                    yield Span(
                        place - (place > 0 and form[place - 1] == "+"), places[end - 1] + 1, owner
                    )

    # --- with what was found taken out ------------------------------------------------------------

    def redact(self, text: str, owners: set[int]) -> str:
        """`text` with a neutral word where a value stood. Adds to `owners` whose they were."""
        spans = sorted(self.spans(text)) if text else []
        pieces = []
        at = 0
        for span in spans:
            owners.add(span.owner)
            if span.start >= at:
                pieces += [text[at : span.start], ERASED]
            at = max(at, span.end)
        return "".join([*pieces, text[at:]]) if spans else text

    def redact_query(self, query: str, owners: set[int]) -> str:
        """The same for the text of a query string."""
        pairs = parse_qsl(query, keep_blank_values=True)
        left = [(name, self.redact(value, owners)) for name, value in pairs]
        return urlencode(left) if left != pairs else self.redact(query, owners)

    def redact_json(self, value: Any, owners: set[int], but: Iterable[str] = ()) -> Any:
        """The same for all texts in what JSON holds; names stay, and so does what is under those of
        `but`.
        """
        if isinstance(value, str):
            return self.redact(value, owners)
        if isinstance(value, list):
            return [self.redact_json(each, owners) for each in value]
        if isinstance(value, dict):
            return {
                name: each if name in but else self.redact_json(each, owners)
                for name, each in value.items()
            }
        return value


@lru_cache(maxsize=10_000)
def value_pattern(text: str) -> tuple[re.Pattern, int]:
    """And where in it its first word begins."""
    first = WORD.search(text)
    whole = WORD_SEPARATOR.join(re.escape(word) for word in text.split())
    return re.compile(BEFORE + whole + BEHIND), first.start() if first else 0


def fold_text(text: str) -> tuple[str, list[int] | None]:
    """`text` as it is compared, and for each character of that its place in `text`; None where they
    are the same.
    """
    if text.isascii():
        return text.lower(), None
    forms = [fold_character(character) for character in text]
    return "".join(forms), [place for place, form in enumerate(forms) for _ in form]


@lru_cache(maxsize=10_000)
def fold_character(character: str) -> str:
    """One by one, so that the places are known. What is composed is taken apart, and accents go."""
    if character.isspace():
        return " "
    apart = unicodedata.normalize("NFKD", fold_identifier(character))
    return "".join(each for each in apart if not is_ignorable_character(each)).translate(
        PLAIN_LETTERS
    )


def search_spellings(text: str) -> list[str]:
    """A value as it is compared, also within a link."""
    return list(dict.fromkeys([fold_text(text)[0], fold_text(quote(text))[0]]))


def dialled_numbers(phone: str) -> list[str]:
    """The digits of a number in normal form as people dial it: with the country or, whatever that
    is, without.
    """
    digits = phone.removeprefix("+")
    if len(digits) < MIN_DIGITS:
        return []
    if not phone.startswith("+"):
        return [digits]
    inland = [f"0{digits[code:]}" for code in (1, 2, 3)]
    both = [f"{digits[:code]}0{digits[code:]}" for code in (1, 2, 3)]
    return [each for each in (digits, f"00{digits}", *inland, *both) if len(each) > MIN_DIGITS]
