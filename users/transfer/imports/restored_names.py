"""Decides which accounts get back the names that an import has changed, and frees those names among
the accounts of a chunk, of which two may have swapped theirs.
"""

from secrets import token_hex
from typing import Any

from users.bulk.account_locks import plain_accounts
from users.database.row_writes import update_values
from users.email_addresses import email_key
from users.models import User
from users.privacy.reservations import RESERVED_MESSAGE, reserved_names
from users.transfer.imports.uniqueness import holders_by_name, holders_by_source_id

NAME_TAKEN = "Another account now has the {} “{}”."
LABELS = {
    "username": "username",
    "email": "email",
    "source_id": "ID",
}
# What an account has between two statements of one transaction.
PLACEHOLDER_USERNAME = "parked.{}.{}"
PLACEHOLDER_BYTES = 8
Images = dict[int, dict[str, Any]]
# A field, and its value as values of accounts are compared.
NameKey = tuple[str, Any]


def name_refusals(images: Images, accounts: dict[int, User]) -> dict[int, str]:
    """Returns a reason by account id for the accounts whose former names others have now. A name is
    free if its holder gives it up in the same chunk, unless that account is refused itself.
    """
    refusals: dict[int, str] = {}
    left = {pk: image for pk, image in images.items() if changes_names(image)}
    while found := find_taken(left, accounts):
        refusals |= found
        left = {pk: image for pk, image in left.items() if pk not in found}
    return refusals


def changes_names(image: dict[str, Any]) -> bool:
    return not LABELS.keys().isdisjoint(image)


def find_taken(images: Images, accounts: dict[int, User]) -> dict[int, str]:
    """Returns a reason by account id for the accounts whose former names are taken or reserved."""
    wanted = wanted_names(images, accounts)
    holders = find_name_holders({key for keys in wanted.values() for key in keys})
    texts = {value for keys in wanted.values() for _, value in keys if isinstance(value, str)}
    reserved = reserved_names(texts)
    reasons = {}
    for pk, keys in wanted.items():
        for field, value in keys:
            holder = holders.get((field, value), pk)
            if value in reserved:
                reasons[pk] = RESERVED_MESSAGE
            elif holder != pk and (holder not in wanted or field not in images[holder]):
                shown = value[1] if field == "source_id" else value
                reasons[pk] = NAME_TAKEN.format(LABELS[field], shown)
    return reasons


def wanted_names(images: Images, accounts: dict[int, User]) -> dict[int, list[NameKey]]:
    """Returns the names that each account is to get back, without empty ones."""
    wanted: dict[int, list[NameKey]] = {}
    for pk, image in images.items():
        keys: list[NameKey] = []
        if image.get("username"):
            keys.append(("username", image["username"]))
        if image.get("email"):
            keys.append(("email", email_key(image["email"])))
        if image.get("source_id"):
            source = image.get("source", accounts[pk].source)
            keys.append(("source_id", (source, image["source_id"])))
        wanted[pk] = keys
    return wanted


def find_name_holders(keys: set[NameKey]) -> dict[NameKey, int]:
    """Returns the ids of the accounts that have these names now."""
    by_field: dict[str, set[Any]] = {name: set() for name in LABELS}
    for field, value in keys:
        by_field[field].add(value)
    found: dict[str, dict[Any, int]] = {
        "username": holders_by_name("username", by_field["username"]),
        "email": holders_by_name("email__lower", by_field["email"]),
        "source_id": holders_by_source_id(by_field["source_id"]),
    }
    holders: dict[NameKey, int] = {}
    for field, held in found.items():
        for value, pk in held.items():
            holders[field, comparable_value(field, value)] = pk
    return holders


def comparable_value(field: str, value: Any) -> Any:
    """Returns a stored name as names are compared."""
    return email_key(value) if field == "email" else value


def free_taken_names(images: Images, accounts: dict[int, User]) -> None:
    """Gives the accounts of a chunk that hold a name of another one names that nobody has. Call it
    before the names are restored, in the same transaction.
    """
    wanted = wanted_names(images, accounts)
    holders = find_name_holders({key for keys in wanted.values() for key in keys})
    parked = set()
    for pk, keys in wanted.items():
        parked |= {holders.get(key, pk) for key in keys} - {pk}
    token = token_hex(PLACEHOLDER_BYTES)
    rows = [(pk, PLACEHOLDER_USERNAME.format(token, pk)) for pk in sorted(parked)]
    update_values(User, ["username"], rows)
    plain_accounts().filter(pk__among=parked).update(email="", source_id="")
