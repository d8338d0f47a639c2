"""The search box: its text is split into words and phrases, all of which must match.

An id, a UUID, an email address or a whole username finds one account. A word of at least three
characters matches anywhere (pg_trgm, FTS5), and so do shorter words next to it. Otherwise a shorter
word matches the beginning of a username, email address or name, and several of them also match the
beginning of a name in either order. `id:`, `username:`, `email:` and `name:` restrict a word to one
field.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import and_, or_
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models import Q

from users.contact_data import except_masked
from users.database.search_index import search_condition
from users.directory.search_text import clean_search_text, without_trunk_zeros
from users.email_addresses import email_key, identifier_key
from users.identifiers import LARGEST_ID, fold_identifier, normalise_search_text
from users.models import UserQuerySet
from users.phone_numbers import normalise_phone

TRIGRAM_LENGTH = 3
TOKEN_PATTERN = re.compile(r'(?:([A-Za-z_]+):)?(?:"([^"]*)"?|(\S+))')
SEARCH_FIELDS = {"id", "username", "email", "name"}
LAST_CHARACTER = "\U0010ffff"
# The sort keys that a prefix is compared with, and the form in which it is.
PREFIX_KEYS = {
    "username": "username",
    "email": "email__lower",
    "name": "name_key",
}
PREFIX_FORMS = {
    "username": identifier_key,
    "email": email_key,
    "name": normalise_search_text,
}


@dataclass(frozen=True)
class Search:
    """A parsed search."""

    # Words and phrases in normal form.
    words: tuple[str, ...] = ()
    # Pairs of a column and a prefix.
    fields: tuple[tuple[str, str], ...] = ()
    # The condition that the whole text is the username, id or email address of an account.
    exact: Q | None = None
    # Whether the text is an id, a UUID or an email address. The accounts of `exact`, if any, are
    # then the whole result.
    names_one_account: bool = False
    # Whether the text is empty in normal form, so no account matches.
    matches_nothing: bool = False
    # Whether email addresses and phone numbers are masked for the viewer. They are then found by
    # their whole value only.
    masked: bool = False

    @staticmethod
    @lru_cache(maxsize=1024)
    def parse(q: str, masked: bool = False) -> "Search":
        words = []
        fields = []
        q = clean_search_text(normalise_if_phone(q) if masked else q, phone_digits=not masked)
        for name, phrase, bare in TOKEN_PATTERN.findall(q):
            text = phrase or bare
            if name.lower() in SEARCH_FIELDS:
                fields.append((name.lower(), text))
            else:
                word = normalise_search_text(f"{name}:{text}" if name else text)
                words += word.split() if masked else [without_trunk_zeros(word)]
        exact, names_one_account = exact_match(q)
        return Search(
            words=tuple(dict.fromkeys(filter(None, words))),
            fields=tuple(fields),
            exact=exact,
            names_one_account=names_one_account,
            # The text holds only accents or quotes.
            matches_nothing=bool(q) and not any(words) and not fields,
            masked=masked,
        )

    def __bool__(self) -> bool:
        return bool(self.words or self.fields or self.matches_nothing)

    def apply(self, accounts: UserQuerySet) -> UserQuerySet:
        """Returns all accounts that match, using the search index."""
        if self.matches_nothing:
            return accounts.none()
        vendor = connections[accounts.db].vendor
        for word in self.long_words:
            accounts = accounts.filter(search_condition(word, vendor))
        indexed = [] if self.masked else self.long_words
        others = [word for word in self.words if word not in indexed]
        accounts = accounts.filter(*self.word_conditions(others))
        for column, text in self.fields:
            accounts = accounts.filter(self.field_condition(column, text))
        return accounts

    def conditions(self) -> list[Q]:
        """Returns conditions to check row by row, without the search index."""
        if self.matches_nothing:
            return [Q(pk__in=[])]
        fields = [self.field_condition(column, text) for column, text in self.fields]
        return self.word_conditions(self.words) + fields

    def word_conditions(self, words: Sequence[str]) -> list[Q]:
        """Returns conditions for some words of the search, to check row by row. Short words without
        a long one beside them are one condition.
        """
        conditions = [self.row_condition(word) for word in words]
        if not self.full_names:
            return conditions
        names = [prefix_condition("name", name) for name in self.full_names]
        return [reduce(or_, names, reduce(and_, conditions))]

    @property
    def full_names(self) -> tuple[str, ...]:
        """The names that a search of several short words may be, with the last name first."""
        if self.long_words or len(self.words) < 2:
            return ()
        *first, last = self.words
        return (" ".join([last, *first]), " ".join(self.words))

    @property
    def long_words(self) -> list[str]:
        return [word for word in self.words if len(word) >= TRIGRAM_LENGTH]

    def index_terms(self, database: str) -> tuple[str, ...]:
        """Returns the parts of the words that the search index can find.

        pg_trgm indexes letters and digits only, so "zoe@" finds every account with a word that ends
        in "zoe".
        """
        if connections[database].vendor != "postgresql":
            return tuple(self.long_words)
        return tuple(part for word in self.long_words for part in trigram_parts(word))

    def is_decided_by(self, terms: tuple[str, ...]) -> bool:
        """Returns whether all accounts that contain `terms` match."""
        return terms == self.words and not self.fields and not self.masked

    def candidates(self, accounts: UserQuerySet, terms: Sequence[str]) -> UserQuerySet:
        """Returns the accounts in which an index finds `terms`: all matches and possibly others.

        Their number decides whether a page is built from a sample, so only conditions that the
        index answers are added.
        """
        vendor = connections[accounts.db].vendor
        for term in terms:
            accounts = accounts.filter(search_condition(term, vendor))
        if not self.long_words:
            accounts = accounts.filter(
                *(self.field_condition(column, text) for column, text in self.fields)
            )
        return accounts.order_by()

    def row_condition(self, word: str) -> Q:
        """Returns the condition for one word, to check row by row.

        A short word matches anywhere if a long one bounds the search.
        """
        if self.masked and self.long_words:
            return unmasked_condition(word)
        if self.masked:
            username = except_masked(prefix_condition("username", word), "username")
            return prefix_condition("name", word) | username
        return Q(search_key__contains=word) if self.long_words else short_condition(word)

    def field_condition(self, column: str, text: str) -> Q:
        if self.masked and column == "email":
            return Q(email__lower=email_key(text))
        if self.masked and column == "username":
            prefix = except_masked(prefix_condition(column, text), "username")
            return Q(username=identifier_key(text)) | prefix
        return prefix_condition(column, text)


def split_tokens(q: str, names: set[str]) -> tuple[dict[str, str], str]:
    """Returns the `name:value` tokens of `q` that are filters, and the rest of the text."""
    found = {}

    def take(match: re.Match) -> str:
        name, phrase, bare = match.groups()
        if name and name.lower() in names:
            found[name.lower()] = phrase or bare or ""
            return ""
        return match.group()

    rest = TOKEN_PATTERN.sub(take, q)
    if not found:
        return {}, q
    values = {name: value for name, value in found.items() if value}
    return values, " ".join(rest.split())


def exact_match(q: str) -> tuple[Q | None, bool]:
    """Returns the condition that `q` is the id, UUID, email address or username of an account.

    The second value is False for a possible username, which may also be a word of the search.
    """
    if q.isascii() and q.isdigit() and 0 < int(q) <= LARGEST_ID:
        return Q(pk=int(q)) | Q(username=q), True
    if re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", q):
        return Q(source_id__in=[q, str(UUID(q))]), True
    if "@" in q.strip("@") and " " not in q:
        return Q(email__lower=email_key(q)) | Q(username=identifier_key(q)), True
    if q and not re.search(r'[\s":]', q):
        return Q(username=fold_identifier(q)), False
    return None, False


def unmasked_condition(word: str) -> Q:
    """Returns the condition for a word if email addresses and phone numbers are masked.

    Its whole email address and number are found, any part of its username that is not masked, and
    any part of its name: the key of the name holds no address and no number.
    """
    whole = Q(email__lower=word) | Q(username=word) | Q(phone=word)
    part = except_masked(Q(username__contains=word), "username")
    whole |= Q(first_name__iexact=word) | Q(last_name__iexact=word)
    return whole | Q(name_key__contains=word) | part


def normalise_if_phone(q: str) -> str:
    """Returns a phone number in its stored form, and other text unchanged."""
    try:
        return normalise_phone(q) if q.startswith(("+", "0")) else q
    except ValidationError:
        return q


def trigram_parts(word: str) -> list[str]:
    """Returns the runs of letters and digits in `word` that a trigram index can find.

    Returns the word itself if there are none.
    """
    runs = [run for run in re.findall(r"[^\W_]+", word) if len(run) >= TRIGRAM_LENGTH]
    return runs or [word]


def short_condition(word: str) -> Q:
    return (
        prefix_condition("username", word)
        | prefix_condition("email", word)
        | prefix_condition("name", word)
    )


def prefix_condition(column: str, text: str) -> Q:
    """Returns the condition of a prefix as a range, which the sort indexes of both databases serve.

    An id is compared as a whole.
    """
    if column == "id":
        possible = text.isascii() and text.isdigit() and 0 < int(text) <= LARGEST_ID
        return Q(pk=int(text)) if possible else Q(pk__in=[])
    key = PREFIX_KEYS[column]
    start = PREFIX_FORMS[column](text)
    return Q(**{f"{key}__gte": start, f"{key}__lt": start + LAST_CHARACTER})
