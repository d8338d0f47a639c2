"""Suggests accounts for a mistyped username or address.

At ten million accounts a similarity search reads a large part of the table. Here the likely typing
errors are reversed instead, and the resulting names, about two thousand, are looked up with one
index query.
"""

from difflib import SequenceMatcher
from itertools import pairwise

from django.db.models.functions import Lower

from users.email_addresses import identifier_key
from users.identifiers import ascii_skeleton
from users.models import User, UserQuerySet

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.-_@"
# Characters in which errors are reversed. The number of names grows with it.
MAX_EDITED_LENGTH = 64
MAX_SUGGESTIONS = 8
# Accounts with the same local part at other domains.
MAX_NEIGHBOURS = 20
HIGHEST_CHARACTER = "\U0010ffff"


def suggest_accounts(typed: str) -> list[User]:
    """Returns at most MAX_SUGGESTIONS accounts, the most similar first, from two queries."""
    typed = identifier_key(typed)
    if not typed or "\x00" in typed:
        return []
    names = candidate_names(typed)
    accounts = UserQuerySet(User)
    by_email = accounts.filter(email__lower__in=names)[:MAX_SUGGESTIONS]
    if "@" in typed:
        others = same_local_part(typed)[:MAX_NEIGHBOURS]
    else:
        others = accounts.filter(username__in=names)[:MAX_SUGGESTIONS]
    found = {account.pk: account for account in [*by_email, *others]}.values()
    ranked = sorted(found, key=lambda account: similarity_score(typed, account), reverse=True)
    return ranked[:MAX_SUGGESTIONS]


def same_local_part(address: str) -> UserQuerySet:
    """Returns the accounts whose address has the same local part at any domain."""
    start = address.partition("@")[0] + "@"
    accounts = UserQuerySet(User).filter(
        email__lower__gte=start, email__lower__lt=start + HIGHEST_CHARACTER
    )
    return accounts.order_by(Lower("email"))


def similarity_score(typed: str, account: User) -> float:
    return max(
        SequenceMatcher(None, typed, name).ratio()
        for name in (account.email.lower(), account.username)
    )


def candidate_names(typed: str) -> list[str]:
    """Returns names that may have been meant, without `typed` itself.

    They have one letter added, missing, wrong or swapped, lookalike letters of other scripts
    replaced, or no tag or dots in front of the @.
    """
    plain = ascii_skeleton(typed)
    local, at, domain = plain.partition("@")
    bare = local.partition("+")[0]
    names = [
        plain,
        f"{bare}{at}{domain}",
        f"{bare.replace('.', '')}{at}{domain}",
        *single_edits(plain[:MAX_EDITED_LENGTH], plain[MAX_EDITED_LENGTH:]),
    ]
    return [name for name in dict.fromkeys(names) if name not in ("", typed)]


def single_edits(text: str, rest: str) -> list[str]:
    """Returns all texts that differ from `text` by one typing error, each followed by `rest`."""
    splits = [(text[:number], text[number:]) for number in range(len(text) + 1)]
    swapped = [
        text[:number] + right + left + text[number + 2 :]
        for number, (left, right) in enumerate(pairwise(text))
    ]
    dropped = [left + right[1:] for left, right in splits if right]
    replaced = [left + letter + right[1:] for left, right in splits if right for letter in LETTERS]
    added = [left + letter + right for left, right in splits for letter in LETTERS]
    return [name + rest for name in (*swapped, *dropped, *replaced, *added)]
