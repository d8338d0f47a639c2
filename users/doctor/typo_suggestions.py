"""Accounts that somebody may mean who mistyped a username or an address.

At ten million accounts a search by likeness reads a large part of the table. Here the likely
mistakes are undone instead, and each of the names that come out is looked up: some two thousand, in
one query along an index.
"""

from difflib import SequenceMatcher
from itertools import pairwise

from users.identifiers import ascii_skeleton, fold_identifier
from users.models import User, UserQuerySet

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.-_@"
MAX_EDITED_LENGTH = 64  # characters whose mistakes are undone; the number of names grows with them
MAX_SUGGESTIONS = 8
MAX_NEIGHBOURS = 20  # accounts that begin the same way
HIGHEST_CHARACTER = "\U0010ffff"


def suggest_accounts(typed: str) -> list[User]:
    """Returns at most MAX_SUGGESTIONS accounts, the most similar first. Two queries."""
    typed = fold_identifier(typed.strip())
    if not typed or "\x00" in typed:
        return []
    names = candidate_names(typed)
    accounts = UserQuerySet(User)
    by_name = list(accounts.filter(email__in=names)[:MAX_SUGGESTIONS])
    start = f"{typed.partition('@')[0]}@"
    if "@" in typed:  # the same name elsewhere
        more = accounts.filter(email__gte=start, email__lt=start + HIGHEST_CHARACTER).order_by(
            "email"
        )[:MAX_NEIGHBOURS]
    else:
        more = accounts.filter(username__in=names)[:MAX_SUGGESTIONS]
    found = {account.pk: account for account in [*by_name, *more]}.values()
    return sorted(found, key=lambda account: similarity_score(typed, account), reverse=True)[
        :MAX_SUGGESTIONS
    ]


def similarity_score(typed: str, account: User) -> float:
    return max(
        SequenceMatcher(None, typed, name).ratio() for name in (account.email, account.username)
    )


def candidate_names(typed: str) -> list[str]:
    """Returns names that may have been meant, without `typed` itself: one letter added, missing,
    wrong or swapped; lookalike letters of another script; without a tag or dots before the @.
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
    """All texts at a distance of one slip of the finger from `text`, each with `rest` behind it."""
    splits = [(text[:number], text[number:]) for number in range(len(text) + 1)]
    swapped = [
        text[:number] + right + left + text[number + 2 :]
        for number, (left, right) in enumerate(pairwise(text))
    ]
    dropped = [left + right[1:] for left, right in splits if right]
    replaced = [left + letter + right[1:] for left, right in splits if right for letter in LETTERS]
    added = [left + letter + right for left, right in splits for letter in LETTERS]
    return [name + rest for name in (*swapped, *dropped, *replaced, *added)]
