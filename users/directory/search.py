"""One box. What is typed is taken apart into words and phrases; each must match.

An id, a UUID, an address or a whole username names one account. A word of three and more characters
is found anywhere (pg_trgm, FTS5), and so are shorter ones beside it; alone a shorter one is found
at the beginning of username, address or name. `id:`, `username:`, `email:` and `name:` say where to
look.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models import Q

from users.database.search_index import search_condition
from users.identifiers import LARGEST_ID, fold_identifier, normalise_phone, normalise_search_text
from users.models import UserQuerySet

TRIGRAM_LENGTH = 3
TOKEN_PATTERN = re.compile(r'(?:([A-Za-z_]+):)?(?:"([^"]*)"?|(\S+))')
SEARCH_FIELDS = {"id", "username", "email", "name"}
LAST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True)
class Search:
    """`words` in search form; `fields` are (column, beginning); `exact` names an account by its
    username.

    `alone`: what was typed is an id, a UUID or an address, and whoever it names is the whole
    answer.
    """

    words: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    exact: Q | None = None
    alone: bool = False
    impossible: bool = False
    # For whom addresses and numbers are masked: those are found by their whole value alone, and
    # never letter by letter.
    masked: bool = False

    @staticmethod
    @lru_cache(maxsize=1024)
    def of(q: str, masked: bool = False) -> "Search":
        words = []
        fields = []
        q = normalise_if_phone(q) if masked else q
        for name, phrase, bare in TOKEN_PATTERN.findall(q):
            text = phrase or bare
            if name.lower() in SEARCH_FIELDS:
                fields.append((name.lower(), text))
            else:
                word = normalise_search_text(f"{name}:{text}" if name else text)
                words += word.split() if masked else [word]
        named, alone = exact_match(q)
        return Search(
            words=tuple(dict.fromkeys(filter(None, words))),
            fields=tuple(fields),
            exact=named,
            alone=alone,
            impossible=bool(q)
            and not any(words)
            and not fields,  # nothing but accents or quotes: nobody has that
            masked=masked,
        )

    def __bool__(self) -> bool:
        return bool(self.words or self.fields or self.impossible)

    def apply(self, accounts: UserQuerySet) -> UserQuerySet:
        """The accounts that match, however many, through the search index of the database."""
        if self.impossible:
            return accounts.none()
        vendor = connections[accounts.db].vendor
        words = [
            search_condition(word, vendor) if len(word) >= TRIGRAM_LENGTH else self.unindexed(word)
            for word in self.words
        ]
        words += [unmasked_condition(word) for word in self.long_words if self.masked]
        for condition in [*words, *(self.field(column, text) for column, text in self.fields)]:
            accounts = accounts.filter(condition)
        return accounts

    def conditions(self) -> list[Q]:
        """The same as conditions that are checked row by row, for rows that were reached in another
        way.
        """
        words = [self.unindexed(word) for word in self.words]
        return (
            [Q(pk__in=[])]
            if self.impossible
            else [*words, *(self.field(column, text) for column, text in self.fields)]
        )

    @property
    def long_words(self) -> list[str]:
        return [word for word in self.words if len(word) >= TRIGRAM_LENGTH]

    def candidates(self, accounts: UserQuerySet) -> UserQuerySet:
        """What an index names for the search: all that can match, and maybe others. Their number
        tells whether a sample was taken, so nothing is asked here that the index does not answer:
        pg_trgm knows letters and digits alone, and "zoe@" names everybody whose name ends in "zoe".
        """
        vendor = connections[accounts.db].vendor
        for word in self.long_words:
            for part in trigram_parts(word) if vendor == "postgresql" else [word]:
                accounts = accounts.filter(search_condition(part, vendor))
        if not self.long_words:
            accounts = accounts.filter(*(self.field(column, text) for column, text in self.fields))
        return accounts.order_by()

    def unindexed(self, word: str) -> Q:
        """A word as a condition on one row. Beside a long word, which bounds the search, a short
        one is found anywhere.
        """
        if self.masked:
            return (
                unmasked_condition(word)
                if self.long_words
                else prefix_condition("name", word)
                | except_addresses(prefix_condition("username", word))
            )
        return Q(search_key__contains=word) if self.long_words else short_condition(word)

    def field(self, column: str, text: str) -> Q:
        if self.masked and column == "email":
            return Q(email=fold_identifier(text))
        if self.masked and column == "username":
            return Q(username=fold_identifier(text)) | except_addresses(
                prefix_condition(column, text)
            )
        return prefix_condition(column, text)


def split_tokens(q: str, names: set[str]) -> tuple[dict[str, str], str]:
    """The `name:value` pieces of `q` that are filters of the directory, and the rest as typed."""
    found = {}

    def take(match: re.Match) -> str:
        name, phrase, bare = match.groups()
        if name and name.lower() in names:
            found[name.lower()] = phrase or bare or ""
            return ""
        return match.group()

    rest = TOKEN_PATTERN.sub(take, q)
    return {name: value for name, value in found.items() if value}, " ".join(
        rest.split()
    ) if found else q


def exact_match(q: str) -> tuple[Q | None, bool]:
    """What a whole id, UUID, address or username names, and whether nothing else can have been
    meant.
    """
    if q.isascii() and q.isdigit() and 0 < int(q) <= LARGEST_ID:
        return Q(pk=int(q)) | Q(username=q), True
    if re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", q):
        return Q(source_id__in=[q, str(UUID(q))]), True
    if "@" in q.strip("@") and " " not in q:
        return Q(email=fold_identifier(q)) | Q(username=fold_identifier(q)), True
    return (
        (Q(username=fold_identifier(q)), False)
        if q and not re.search(r'[\s":]', q)
        else (None, False)
    )


def unmasked_condition(word: str) -> Q:
    """What may be found of an account whose address and number are masked: any part of its name and
    username, and those.
    """
    whole = Q(email=word) | Q(username=word) | Q(phone=word)
    return whole | Q(name_key__contains=word) | except_addresses(Q(username__contains=word))


def except_addresses(condition: Q) -> Q:
    return condition & ~Q(username__contains="@")


def normalise_if_phone(q: str) -> str:
    """A phone number as it is stored, however it was typed; anything else as it is."""
    try:
        return normalise_phone(q) if q.startswith(("+", "0")) else q
    except ValidationError:
        return q


def trigram_parts(word: str) -> list[str]:
    """The runs of letters and digits in `word` that an index of trigrams can find; the word itself
    if there are none.
    """
    return [run for run in re.findall(r"[^\W_]+", word) if len(run) >= TRIGRAM_LENGTH] or [word]


def short_condition(word: str) -> Q:
    return (
        prefix_condition("username", word)
        | prefix_condition("email", word)
        | prefix_condition("name", word)
    )


def prefix_condition(column: str, text: str) -> Q:
    """As a range, which the sort indexes serve on both databases."""
    if column == "id":
        return (
            Q(pk=int(text))
            if text.isascii() and text.isdigit() and 0 < int(text) <= LARGEST_ID
            else Q(pk__in=[])
        )
    key, start = (
        ("name_key", normalise_search_text(text))
        if column == "name"
        else (column, fold_identifier(text))
    )
    return Q(**{f"{key}__gte": start, f"{key}__lt": start + LAST_CHARACTER})
