"""Finds the account that somebody typed into a filter, by ID, username, email address or name.

Viewers for whom personal data is masked find no account by what they may not see.
"""

from collections.abc import Iterable

from django.db.models import Q

from users import masking
from users.contact_data import mask_text
from users.email_addresses import email_key, identifier_key
from users.identifiers import normalise_search_text
from users.models import User, UserQuerySet
from users.web.query_string import is_id_text

# Accounts to choose from.
MAX_CHOICES = 8
# Words of a name that may begin the last name.
MAX_WORDS = 4
# The end of a range of texts with a common beginning.
LAST_CHARACTER = "\U0010ffff"


class UnclearAccount(ValueError):
    """A text that names no account, or several: `choices`."""

    def __init__(self, message: str, choices: Iterable[User] = ()):
        super().__init__(message)
        self.choices = list(choices)


def resolve_account(text: str, *, masked: bool) -> str:
    """Returns the ID of the account that the text names. Raises UnclearAccount.

    A number is an ID, even if there is no such account any more: its events stay.
    """
    if is_id_text(text):
        return str(int(text))
    found = exact_accounts(text, masked=masked) or similar_accounts(text, masked=masked)
    if not found:
        means = "username, name or ID" if masked else "username, email address, name or ID"
        raise UnclearAccount(f"No account matches “{text[:60]}”. Enter a {means}.")
    if len(found) == 1:
        return str(found[0].pk)
    number = f"More than {MAX_CHOICES}" if len(found) > MAX_CHOICES else str(len(found))
    message = f"{number} accounts match “{text[:60]}”. Choose one, or enter its ID."
    shown = masking.mask_account if masked else lambda account: account
    raise UnclearAccount(message, map(shown, found[:MAX_CHOICES]))


def exact_accounts(text: str, *, masked: bool) -> list[User]:
    """Returns the account with this username or email address, if there is one."""
    accounts = read_accounts_by(
        Q(username=identifier_key(text)),
        "username",
        masked=masked,
    )
    if not masked and "@" in text:
        accounts += read_accounts_by(
            Q(email__lower=email_key(text)),
            "username",
            masked=False,
        )
    return list({account.pk: account for account in accounts}.values())


def similar_accounts(text: str, *, masked: bool) -> list[User]:
    """Returns accounts whose username, email address or name begins with the text."""
    found: dict[int, User] = {}
    conditions = [("username", begins_with("username", identifier_key(text)))]
    if not masked:
        conditions.append(("email__lower", begins_with("email__lower", email_key(text))))
    names = dict.fromkeys(name_forms(text))
    conditions += [("name_key", begins_with("name_key", name)) for name in names]
    for order, condition in conditions:
        for account in read_accounts_by(
            condition,
            order,
            masked=masked,
        ):
            found.setdefault(account.pk, account)
    return list(found.values())[: MAX_CHOICES + 1]


def name_forms(text: str) -> list[str]:
    """Returns a name as name_key has it, with each of its words as the beginning of the last name,
    since that stands first.
    """
    words = normalise_search_text(text).split()
    starts = range(min(len(words), MAX_WORDS))
    return [" ".join(words[start:] + words[:start]) for start in starts]


def begins_with(column: str, text: str) -> Q:
    """Returns the condition of a range of the column's index."""
    if not text:
        return Q(pk__in=[])
    return Q(
        **{
            f"{column}__gte": text,
            f"{column}__lt": text + LAST_CHARACTER,
        }
    )


def read_accounts_by(condition: Q, order: str, *, masked: bool) -> list[User]:
    accounts: UserQuerySet = User.objects.filter(condition).order_by(order, "pk")
    found = list(accounts[: MAX_CHOICES + 1])
    return [account for account in found if not (masked and hides_names(account))]


def hides_names(account: User) -> bool:
    """Returns whether the username or the name is masked, in full or in part."""
    names = f"{account.username}\n{account.get_full_name()}"
    return mask_text(names) != names


def account_names(ids: Iterable[str], *, masked: bool) -> dict[str, str]:
    """Returns the usernames of existing accounts by ID."""
    found = User.objects.in_bulk([int(pk) for pk in ids])
    accounts = found.values()
    shown = map(masking.mask_account, accounts) if masked else accounts
    return {str(account.pk): account.username for account in shown}
