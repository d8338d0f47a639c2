"""Search terms, each slow for one way of searching, and a whole email address."""

from collections.abc import Iterable
from itertools import product
from string import ascii_lowercase

from benchmarks.oldest_domain import DOMAIN
from users.directory.filter import Filter
from users.models import User

# The kinds that no account matches. Without --events nobody has signed in from an IP address.
NO_MATCH = ("no match", "two letters, no match", "two common words, nobody", "an IP address")


def search_terms() -> dict[str, str]:
    """Returns search terms by kind. Raises RuntimeError if the accounts have no example of one."""
    accounts = User.objects.order_by("pk").filter(pk__gt=middle_id())
    named = accounts.exclude(first_name="").exclude(last_name="")[0]
    rare_pairs = map("".join, product("xqzjvwk", ascii_lowercase))
    return {
        "one match": one_match(),
        "common surname": "smith",
        "half of all": "gmail",
        "far end of the order": DOMAIN.partition(".")[0],
        "no match": first_with(0, ["xqzvwk", "qjxzkvw"]),
        "two letters": "sm",
        "two letters, one in a hundred": "ko",
        "two letters, no match": first_with(0, rare_pairs),
        "accented": "müller",
        "one in two hundred": "kowalska",
        "one in four hundred": "zoe",
        "two common words, few together": "smith john",
        "two common words, nobody": "smith garcia",
        "a word and half of all": "kowalska gmail",
        "an apostrophe": "o'brien",
        "a name with a comma": f"{named.last_name}, {named.first_name}",
        "a phone number as written": spaced_phone(accounts.exclude(phone="")[0].phone),
        "an account number": f"#{accounts[0].pk}",
        "an IP address": "203.0.113.7",
        "an address": accounts.exclude(email="")[0].email,
    }


def spaced_phone(number: str) -> str:
    """Returns the number as people write it: +49 (0) 151 234 567."""
    groups = [number[start : start + 3] for start in range(0, len(number), 3)]
    return " ".join([groups[0], "(0)", *groups[1:]])


def has_match(kind: str, term: str) -> bool:
    """Returns whether an account matches a term of this kind."""
    return kind not in NO_MATCH and Filter(q=term).apply().order_by()[:1].exists()


def one_match() -> str:
    """Returns a part of a username in the middle of the table that is not its beginning."""
    dotted = User.objects.filter(pk__gt=middle_id(), username__contains=".").order_by("pk")
    names = dotted.values_list("username", flat=True)[:50]
    return first_with(1, [name[2:] for name in names if name.isascii()])


def middle_id() -> int:
    return User.objects.order_by("-pk").values_list("pk", flat=True)[0] // 2


def first_with(number: int, candidates: Iterable[str]) -> str:
    """Returns the first candidate that `number` accounts match. Raises RuntimeError without one."""
    for term in candidates:
        if Filter(q=term).apply().order_by()[: number + 1].count() == number:
            return term
    raise RuntimeError(f"There is no term with {number} matches.")
