"""Which of an account's values name this person and nobody else: what is taken out of what was
written about others.
"""

from functools import lru_cache
from itertools import product

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
from users.models import User
from users.privacy.matcher import MIN_DIGITS, WORD, Matcher, dialled_numbers, fold_text, search_spellings

# Personal fields that `search_values` treats in ways of their own; any other is taken as an id.
NAMED_FIELDS = {"username", "email", "phone", "first_name", "last_name"}
MIN_IDENTIFIER_LENGTH = 4  # characters of a username or an id elsewhere
MIN_NAME_LENGTH = 3  # characters of a first or last name, which counts beside something else alone
MAX_NAMES = 6  # first or last names; whoever had more of them is not looked for by all combinations
PastValues = dict[str, set[str]]


def past_values(account: User) -> PastValues:
    """Each personal field as it is and as its events say that it was."""
    found = {name: {getattr(account, name)} for name in PERSONAL_FIELDS}
    events = AuditEvent.objects.filter(target_id=account.pk, target_digest=None).order_by("id")
    for pair in events.values_list("before", "after").iterator():
        for name, value in ((name, side.get(name)) for side in pair for name in PERSONAL_FIELDS):
            if isinstance(value, str):
                found[name].add(value)
    found["email"].update(EmailAddress.objects.filter(user=account).values_list("email", flat=True))
    return {name: values - {""} for name, values in found.items()}


def search_values(account: User, past: PastValues) -> dict[str, list[str]]:
    """As Matcher.add takes them. What another account is called today is theirs too, and stays."""
    others = User.objects.exclude(pk=account.pk)
    names = past["username"] | past["email"]
    taken = {
        each
        for pair in name_holders(others, names).values_list("username", "email")
        for each in pair
    }
    texts = {name for name in names - taken if "@" in name or is_distinctive(name)}
    ids = set().union(*(past[name] for name in past.keys() - NAMED_FIELDS))
    texts |= {each for each in ids if not each.isdecimal() and is_distinctive(each)}
    texts -= {word for word in texts if word.isalpha() and is_last_name(others, word)}
    texts |= full_names(others, past)
    texts |= {form for name in past["username"] - taken - texts for form in marked_spellings(name)}
    phones = [phone for phone in past["phone"] if not has_phone(others, phone)]
    in_links = {f"%2b{phone[1:]}" for phone in phones if phone[0] == "+"}
    return {
        "texts": sorted({form for text in texts for form in search_spellings(text)} | in_links),
        "numbers": sorted({number for phone in phones for number in dialled_numbers(phone)}),
        "names": sorted(
            {
                fold_text(name)[0]
                for name in past["first_name"] | past["last_name"]
                if len(name) >= MIN_NAME_LENGTH
            }
        ),
    }


def build_matcher(account: User, values: dict[str, list[str]]) -> Matcher:
    matcher = Matcher()
    matcher.add(account.pk, values)
    return matcher


def name_holders(others, names: set[str]):
    return others.filter(Q(username__in=names) | Q(email__in=names))


def full_names(others, past: PastValues) -> set[str]:
    """In both orders; a name of one word is that of too many."""
    firsts = past["first_name"]
    lasts = past["last_name"]
    pairs = (
        set(product(firsts, lasts))
        if len(firsts) <= MAX_NAMES and len(lasts) <= MAX_NAMES
        else set()
    )
    pairs |= {(name, "") for name in firsts} | {("", name) for name in lasts}
    keys = {normalise_search_text(f"{last} {first}"): (first, last) for first, last in pairs}
    shared = others.filter(name_key__in=list(keys)).values_list("name_key", flat=True)
    own = [keys[key] for key in keys.keys() - set(shared)]
    both = {name.strip() for first, last in own for name in (f"{first} {last}", f"{last} {first}")}
    return {name for name in both if len(WORD.findall(name)) > 1 and " " in name}


def has_phone(others, phone: str) -> bool:
    return others.filter(search_condition(phone, connection.vendor), phone=phone).exists()


def is_last_name(others, word: str) -> bool:
    """A range of the index of names, which begin with the last name."""
    form = normalise_search_text(word)
    return others.filter(
        Q(name_key=form) | Q(name_key__gte=f"{form} ", name_key__lt=f"{form}!")
    ).exists()


def marked_spellings(username: str) -> list[str]:
    """How a username is written that is a word, so that everybody sees what is meant."""
    if len(username) < MIN_NAME_LENGTH or username in own_words():
        return []
    return [
        form.format(username)
        for form in (
            "@{}",
            "“{}”",
            '"{}"',
            "'{}'",
            "username {}",
            "login {}",
            "username: {}",
            "login: {}",
        )
    ]


def is_distinctive(name: str) -> bool:
    """Whether nobody writes it without meaning this account: “mark” and “support” are words."""
    if name.isdecimal():
        return len(name) >= MIN_DIGITS
    if not name.isalpha():
        return len(name) >= MIN_IDENTIFIER_LENGTH
    return (
        len(name) >= MIN_IDENTIFIER_LENGTH
        and name not in common_words()
        and name not in own_words()
    )


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """Twenty thousand that people choose as passwords: first names, animals, months, roles."""
    return frozenset(CommonPasswordValidator().passwords)


def own_words() -> frozenset[str]:
    """What Rollcall itself writes into events and jobs, and what groups are called."""
    groups = Group.objects.values_list("name", flat=True)
    return interface_words() | {word for name in groups for word in WORD.findall(name.casefold())}


@lru_cache(maxsize=1)
def interface_words() -> frozenset[str]:
    fields = [
        field
        for model in apps.get_app_config("users").get_models()
        for field in model._meta.concrete_fields
    ]
    said = [str(word) for field in fields for choice in field.choices or () for word in choice]
    texts = [*said, *(field.name for field in fields), *ACTION_LABELS, *ACTION_LABELS.values()]
    return frozenset(word for text in texts for word in WORD.findall(text.casefold()))
