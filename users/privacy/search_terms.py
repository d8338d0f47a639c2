"""Chooses the values of an account that name this person and nobody else. They are redacted in
texts about others.
"""

from functools import lru_cache
from itertools import product
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

# Personal fields that are searched for in ways of their own; any other one is taken as an ID.
NAMED_FIELDS = {"username", "email", "phone", "first_name", "last_name"}
MIN_IDENTIFIER_LENGTH = 4  # characters of a username, or of an ID in another system
MIN_NAME_LENGTH = 3  # characters of a first or last name
# First or last names of one person. With more, not all combinations are searched for.
MAX_NAMES = 6
# How a username is marked in a text where it is also a word.
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
    """Adds the texts that stand in an event under the names of `found`."""
    for name, values in found.items():
        value = event_values.get(name)
        if isinstance(value, str):
            values.add(value)


def search_values(account: User, past: PastValues) -> dict[str, list[str]]:
    """Returns the values that `Matcher.add` takes. What another account is called today is left
    out: it is theirs too.
    """
    others = User.objects.exclude(pk=account.pk)
    phones = [phone for phone in past["phone"] if not has_phone(others, phone)]
    in_links = {f"%2b{phone[1:]}" for phone in phones if phone[0] == "+"}
    texts = distinctive_texts(others, past)
    numbers = {number for phone in phones for number in dialled_numbers(phone)}
    names = past["first_name"] | past["last_name"]
    return {
        "texts": sorted({form for text in texts for form in search_spellings(text)} | in_links),
        "numbers": sorted(numbers),
        "names": sorted({fold_text(name)[0] for name in names if len(name) >= MIN_NAME_LENGTH}),
    }


def distinctive_texts(others: UserQuerySet, past: PastValues) -> set[str]:
    """Returns usernames, email addresses, external IDs and full names that nobody else has."""
    names = past["username"] | past["email"]
    taken = taken_names(others, names)
    texts = {name for name in names - taken if "@" in name or is_distinctive(name)}
    ids = set().union(*[past[name] for name in past.keys() - NAMED_FIELDS])
    texts |= {each for each in ids if not each.isdecimal() and is_distinctive(each)}
    texts -= {word for word in texts if word.isalpha() and is_last_name(others, word)}
    texts |= full_names(others, past)
    unmarked = past["username"] - taken - texts
    return texts | {form for name in unmarked for form in marked_spellings(name)}


def build_matcher(account: User, values: dict[str, list[str]]) -> Matcher:
    """Returns a matcher for the values of one account."""
    matcher = Matcher()
    matcher.add(account.pk, values)
    return matcher


def taken_names(others: UserQuerySet, names: set[str]) -> set[str]:
    """Returns the usernames and email addresses of the accounts that hold one of `names`."""
    holders = others.filter(Q(username__in=names) | Q(email__in=names))
    return {each for pair in holders.values_list("username", "email") for each in pair}


def full_names(others: UserQuerySet, past: PastValues) -> set[str]:
    """Returns first and last names together, in both orders, without names that another account
    has. A name of one word is shared by too many.
    """
    firsts = past["first_name"]
    lasts = past["last_name"]
    pairs = {(name, "") for name in firsts} | {("", name) for name in lasts}
    if len(firsts) <= MAX_NAMES and len(lasts) <= MAX_NAMES:
        pairs |= set(product(firsts, lasts))
    keys = {normalise_search_text(f"{last} {first}"): (first, last) for first, last in pairs}
    shared = others.filter(name_key__in=list(keys)).values_list("name_key", flat=True)
    own = [keys[key] for key in keys.keys() - set(shared)]
    both = {name.strip() for first, last in own for name in (f"{first} {last}", f"{last} {first}")}
    return {name for name in both if len(WORD.findall(name)) > 1 and " " in name}


def has_phone(others: UserQuerySet, phone: str) -> bool:
    """Returns whether another account has this number."""
    return others.filter(search_condition(phone, connection.vendor), phone=phone).exists()


def is_last_name(others: UserQuerySet, word: str) -> bool:
    """Returns whether another account has this last name. Reads a range of the index of names,
    which begin with the last name.
    """
    form = normalise_search_text(word)
    return others.filter(
        Q(name_key=form) | Q(name_key__gte=f"{form} ", name_key__lt=f"{form}!")
    ).exists()


def marked_spellings(username: str) -> list[str]:
    """Returns how a username that is also a word is written, so that it can't be mistaken for the
    word.
    """
    if len(username) < MIN_NAME_LENGTH or username in own_words():
        return []
    return [form.format(username) for form in MARKED_USERNAMES]


def is_distinctive(name: str) -> bool:
    """Returns whether a name in a text can only mean this account. “mark” and “support” are
    words.
    """
    if name.isdecimal():
        return len(name) >= MIN_DIGITS
    if len(name) < MIN_IDENTIFIER_LENGTH:
        return False
    return not name.isalpha() or (name not in common_words() and name not in own_words())


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """Returns twenty thousand words that people choose as passwords: first names, animals, months,
    roles.
    """
    return frozenset(CommonPasswordValidator().passwords)


def own_words() -> frozenset[str]:
    """Returns the words that Rollcall itself writes into events and jobs, and those in the names of
    groups.
    """
    groups = Group.objects.values_list("name", flat=True)
    return interface_words() | {word for name in groups for word in WORD.findall(name.casefold())}


@lru_cache(maxsize=1)
def interface_words() -> frozenset[str]:
    """Returns the words in names of columns, in choices, and in labels of audit events."""
    models = apps.get_app_config("users").get_models()
    fields = [field for model in models for field in model._meta.concrete_fields]
    texts = [*ACTION_LABELS, *ACTION_LABELS.values()]
    for field in fields:
        texts.append(field.name)
        texts += [str(word) for choice in field.choices or () for word in choice]
    return frozenset(word for text in texts for word in WORD.findall(text.casefold()))
