"""Finds texts that name one person, before their account is erased."""

import re
from urllib.parse import parse_qsl, unquote_plus

from users.fields import PERSONAL_FIELDS
from users.identifiers import normalise_search_text
from users.models import User
from users.privacy.search_terms import PastValues, build_matcher

# Personal fields whose values identify one person. First and last names are shared by many.
IDENTIFYING_FIELDS = set(PERSONAL_FIELDS) - {"first_name", "last_name"}
# Characters. Shorter values occur in ordinary words.
MIN_TEXT_LENGTH = 4


class NameMatcher:
    """Searches texts for current and former values that identify one person, in any spelling."""

    def __init__(self, account: User, past: PastValues, terms: dict[str, list[str]]):
        texts = set().union(*(past[name] for name in IDENTIFYING_FIELDS))
        if account.first_name and account.last_name:
            texts.add(f"{account.first_name} {account.last_name}")
            texts.add(f"{account.last_name} {account.first_name}")
        forms = {normalise_search_text(text) for text in texts}
        self.pattern = words_pattern({form for form in forms if len(form) >= MIN_TEXT_LENGTH})
        self.matcher = build_matcher(account, terms)

    def occur_in(self, *texts: object) -> bool:
        """Returns whether one of `texts` names the person. A text may be a query string or JSON."""
        forms = [form for text in texts for form in decoded_forms(str(text))]
        return any(map(self.names_person, forms)) or self.matcher.matches_any(*forms)

    def identify(self, text: str) -> bool:
        """Returns whether a text has a value that only this person has: unlike for `occur_in`, a
        username that is also a word is none.
        """
        return self.matcher.matches_any(text)

    def names_person(self, form: str) -> bool:
        found = self.pattern and self.pattern.search(normalise_search_text(form))
        return found is not None


def words_pattern(forms: set[str]) -> re.Pattern | None:
    """Returns a pattern that finds any of `forms` as whole words; None without forms."""
    if not forms:
        return None
    either = "|".join(map(re.escape, forms))
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)")


def decoded_forms(text: str) -> list[str]:
    """Returns `text` itself, unquoted, and the values in it if it is a query string."""
    return [text, unquote_plus(text), *(value for _, value in parse_qsl(text))]
