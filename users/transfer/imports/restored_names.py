"""Decides which accounts get back the names that an import has changed, and frees those names among
the accounts of a chunk, of which two may have swapped theirs.
"""

from itertools import chain
from secrets import token_hex
from typing import Any

from users.bulk.account_locks import plain_accounts
from users.database.row_writes import update_values
from users.email_addresses import email_key
from users.jobs.remarks import Remark
from users.models import User
from users.privacy.reservations import RESERVED_MESSAGE, reserved_names
from users.transfer.imports.name_lookups import holders_by_name, holders_by_source_id

NAME_TAKEN_CODE = "name_taken"
NAME_TAKEN = "Another account now has the {} “{}”."
LABELS = {
    "username": "username",
    "email": "email",
    "source_id": "ID",
}
# The username of an account between two statements of one transaction.
PLACEHOLDER_USERNAME = "placeholder.{}.{}"
PLACEHOLDER_BYTES = 8
Images = dict[int, dict[str, Any]]
Reasons = dict[int, str | Remark]
# A field, and its value as values of accounts are compared.
NameKey = tuple[str, Any]


def name_refusals(images: Images, accounts: dict[int, User]) -> Reasons:
    """Returns a reason by account id for the accounts whose former names others have now. A name is
    free if its holder gives it up in the same chunk, unless that account is refused itself.
    """
    refusals: Reasons = {}
    left = {pk: image for pk, image in images.items() if changes_names(image)}
    while found := find_taken(left, accounts):
        refusals |= found
        left = {pk: image for pk, image in left.items() if pk not in found}
    return refusals


def changes_names(image: dict[str, Any]) -> bool:
    return not LABELS.keys().isdisjoint(image)


def find_taken(images: Images, accounts: dict[int, User]) -> Reasons:
    """Returns a reason by account id for the accounts whose former names are taken or reserved."""
    wanted = wanted_names(images, accounts)
    keys = set(chain.from_iterable(wanted.values()))
    holders = find_name_holders(keys)
    reserved = reserved_keys(keys)
    reasons: Reasons = {}
    for pk, own_keys in wanted.items():
        for key in own_keys:
            field, _ = key
            holder = holders.get(key, pk)
            is_released = holder == pk or field in images.get(holder, {})
            if key in reserved:
                reasons[pk] = RESERVED_MESSAGE
            elif not is_released:
                reasons[pk] = name_taken_reason(key)
    return reasons


def reserved_keys(keys: set[NameKey]) -> set[NameKey]:
    """Returns those of the usernames and addresses that are reserved."""
    names = {key for key in keys if key[0] != "source_id"}
    reserved = reserved_names({value for _, value in names})
    return {key for key in names if key[1] in reserved}


def name_taken_reason(key: NameKey) -> Remark:
    field, value = key
    shown = value
    if field == "source_id":
        _, shown = value
    return Remark(NAME_TAKEN_CODE, text=NAME_TAKEN.format(LABELS[field], shown))


def wanted_names(images: Images, accounts: dict[int, User]) -> dict[int, list[NameKey]]:
    """Returns the names that each account is to get back, without empty ones."""
    wanted: dict[int, list[NameKey]] = {}
    for pk, image in images.items():
        keys: list[NameKey] = []
        if username := image.get("username"):
            keys.append(("username", username))
        if email := image.get("email"):
            address = email_key(email)
            keys.append(("email", address))
        if source_id := image.get("source_id"):
            source = image.get("source", accounts[pk].source)
            pair = (source, source_id)
            keys.append(("source_id", pair))
        wanted[pk] = keys
    return wanted


def find_name_holders(keys: set[NameKey]) -> dict[NameKey, int]:
    """Returns the ids of the accounts that have these names now."""
    by_field: dict[str, set[Any]] = {name: set() for name in LABELS}
    for field, value in keys:
        by_field[field].add(value)
    usernames = by_field["username"]
    addresses = by_field["email"]
    source_ids = by_field["source_id"]
    found: dict[str, dict[Any, int]] = {
        "username": holders_by_name("username", usernames),
        "email": holders_by_name("email__lower", addresses),
        "source_id": holders_by_source_id(source_ids),
    }
    holders: dict[NameKey, int] = {}
    for field, held in found.items():
        for value, pk in held.items():
            key = (field, comparable_value(field, value))
            holders[key] = pk
    return holders


def comparable_value(field: str, value: Any) -> Any:
    """Returns a stored name as names are compared."""
    return email_key(value) if field == "email" else value


def free_taken_names(images: Images, accounts: dict[int, User]) -> None:
    """Gives placeholders to the accounts of a chunk that have the name of another one. Call it
    before the names are restored, in the same transaction.
    """
    wanted = wanted_names(images, accounts)
    holders = find_name_holders(set(chain.from_iterable(wanted.values())))
    displaced = set()
    for pk, keys in wanted.items():
        found = {holders.get(key, pk) for key in keys}
        displaced |= found - {pk}
    token = token_hex(PLACEHOLDER_BYTES)
    rows = [(pk, PLACEHOLDER_USERNAME.format(token, pk)) for pk in sorted(displaced)]
    update_values(User, ["username"], rows)
    displaced_accounts = plain_accounts().filter(pk__among=displaced)
    displaced_accounts.update(email="", source_id="")
