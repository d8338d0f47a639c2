"""Chooses the values of an account that identify this person and nobody else.

They are redacted in texts about other accounts.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import chain, product
from typing import Any

from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.db import connection
from django.db.models import Q

from users.audit.actions import ACTION_LABELS
from users.audit.models import AuditEvent
from users.database.search_index import search_condition
from users.email_addresses import identifier_key, xn_address
from users.fields import PERSONAL_FIELDS
from users.identifiers import normalise_search_text
from users.models import User, UserQuerySet
from users.privacy.matcher import (
    MIN_DIGITS,
    WORD,
    Matcher,
    dialled_numbers,
    fold_text,
    search_spellings,
)

# Personal fields with their own rules. All others are searched for as IDs.
NAMED_FIELDS = {"username", "email", "phone", "first_name", "last_name"}
# Characters of a username, or of an ID in another system.
MIN_IDENTIFIER_LENGTH = 4
# Characters of a first or last name.
MIN_NAME_LENGTH = 3
# With more first or last names, their combinations are not searched for.
MAX_NAMES = 6
# Contexts that mark a username which is also a word.
MARKED_USERNAMES = (
    "@{}",
    "“{}”",
    '"{}"',
    "'{}'",
    "username {}",
    "login {}",
    "username: {}",
    "login: {}",
)
PastValues = dict[str, set[str]]


def past_values(account: User) -> PastValues:
    """Returns, for each personal field, its current value and those in the account's events."""
    found = {name: {getattr(account, name)} for name in PERSONAL_FIELDS}
    events = AuditEvent.objects.filter(target_id=account.pk, target_digest=None).order_by("id")
    for pair in events.values_list("before", "after").iterator():
        for side in pair:
            add_texts(found, side)
    addresses = EmailAddress.objects.filter(user=account)
    found["email"].update(addresses.values_list("email", flat=True))
    return {name: values - {""} for name, values in found.items()}


def add_texts(found: PastValues, event_values: dict[str, Any]) -> None:
    """Adds the texts that an event has for the fields in `found`."""
    for name, values in found.items():
        value = event_values.get(name)
        if isinstance(value, str):
            values.add(value)


def search_values(account: User, past: PastValues) -> dict[str, list[str]]:
    """Returns the values for `Matcher.add`, without those that other accounts have today."""
    others = User.objects.exclude(pk=account.pk)
    phones = [phone for phone in past["phone"] if not has_phone(others, phone)]
    in_links = {f"%2b{phone[1:]}" for phone in phones if phone[0] == "+"}
    texts = set(chain.from_iterable(map(search_spellings, distinctive_texts(others, past))))
    numbers = set(chain.from_iterable(map(dialled_numbers, phones)))
    long_names = [name for name in past["first_name"] | past["last_name"] if is_long_name(name)]
    names = {fold_text(name)[0] for name in long_names}
    return {
        "texts": sorted(texts | in_links),
        "numbers": sorted(numbers),
        "names": sorted(names),
    }


def is_long_name(name: str) -> bool:
    return len(name) >= MIN_NAME_LENGTH


def distinctive_texts(others: UserQuerySet, past: PastValues) -> set[str]:
    """Returns usernames, email addresses, external IDs and full names that nobody else has."""
    names = past["username"] | past["email"]
    taken = taken_names(others, names)
    own = {name for name in names if identifier_key(name) not in taken}
    texts = {name for name in own if "@" in name or is_distinctive(name)}
    texts |= set(filter(None, map(xn_address, texts)))
    ids = set().union(*[past[name] for name in past.keys() - NAMED_FIELDS])
    texts |= {each for each in ids if not each.isdecimal() and is_distinctive(each)}
    texts -= {word for word in texts if word.isalpha() and is_last_name(others, word)}
    texts |= full_names(others, past)
    unmarked = (past["username"] & own) - texts
    return texts | {form for name in unmarked for form in marked_spellings(name)}


def build_matcher(account: User, values: dict[str, list[str]]) -> Matcher:
    """Returns a matcher for the values of one account."""
    matcher = Matcher()
    matcher.add(account.pk, values)
    return matcher


def taken_names(others: UserQuerySet, names: set[str]) -> set[str]:
    """Returns the keys of usernames and addresses of the accounts that have one of `names`."""
    keys = set(map(identifier_key, names))
    owners = others.filter(Q(username__in=keys) | Q(email__lower__in=keys))
    return set(map(identifier_key, chain.from_iterable(owners.values_list("username", "email"))))


def full_names(others: UserQuerySet, past: PastValues) -> set[str]:
    """Returns the full names in both orders, without those that another account has.

    Names of one word are left out: too many people share them.
    """
    firsts = past["first_name"]
    lasts = past["last_name"]
    pairs = {*product(firsts, [""]), *product([""], lasts)}
    if len(firsts) <= MAX_NAMES and len(lasts) <= MAX_NAMES:
        pairs |= set(product(firsts, lasts))
    keys = {normalise_search_text(f"{last} {first}"): (first, last) for first, last in pairs}
    shared = others.filter(name_key__in=list(keys)).values_list("name_key", flat=True)
    own = [keys[key] for key in keys.keys() - set(shared)]
    names = [f"{first} {last}".strip() for first, last in own]
    names += [f"{last} {first}".strip() for first, last in own]
    return {name for name in names if len(WORD.findall(name)) > 1 and " " in name}


def has_phone(others: UserQuerySet, phone: str) -> bool:
    """Returns whether another account has this number."""
    return others.filter(search_condition(phone, connection.vendor), phone=phone).exists()


def is_last_name(others: UserQuerySet, word: str) -> bool:
    """Returns whether another account has this last name.

    It reads a range of the index on name_key, which begins with the last name.
    """
    form = normalise_search_text(word)
    in_range = Q(name_key__gte=f"{form} ", name_key__lt=f"{form}!")
    return others.filter(Q(name_key=form) | in_range).exists()


def marked_spellings(username: str) -> list[str]:
    """Returns spellings of a username that cannot be mistaken for the same word."""
    if len(username) < MIN_NAME_LENGTH or username in system_words():
        return []
    return [form.format(username) for form in MARKED_USERNAMES]


def is_distinctive(name: str) -> bool:
    """Returns whether a name in a text can only mean an account. “mark” and “support” are words."""
    if name.isdecimal():
        return len(name) >= MIN_DIGITS
    if len(name) < MIN_IDENTIFIER_LENGTH:
        return False
    return not name.isalpha() or (name not in common_words() and name not in system_words())


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """Returns Django's common passwords: twenty thousand names, animals, months and other words."""
    return frozenset(CommonPasswordValidator().passwords)


def system_words() -> frozenset[str]:
    """Returns the words that Rollcall writes into events and jobs, and those in names of groups."""
    groups = Group.objects.values_list("name", flat=True)
    return interface_words() | words_in(groups)


@lru_cache(maxsize=1)
def interface_words() -> frozenset[str]:
    """Returns the words in names of columns, in choices, and in labels of audit events."""
    models = apps.get_app_config("users").get_models()
    fields = [field for model in models for field in model._meta.concrete_fields]
    texts = [*ACTION_LABELS, *ACTION_LABELS.values()]
    for field in fields:
        texts.append(field.name)
        texts += map(str, chain.from_iterable(field.choices or ()))
    return words_in(texts)


def words_in(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(word for text in texts for word in WORD.findall(text.casefold()))
