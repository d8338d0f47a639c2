"""Creates accounts that nothing can refuse: one, or those of consecutive operations of a Bulk
request. It takes a few statements, however many accounts they are.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from scim2_models import SCIMException

from users import access
from users.audit.new_events import insert_events
from users.database.prepared_statements import prepared_cursor
from users.database.row_writes import insert_values, reserve_ids
from users.email_addresses import email_key
from users.identifiers import ascii_skeleton
from users.models import User
from users.privacy.reservations import reservation_digest
from users.scim.provisioning import build_account, provisioned_values, sent_password
from users.scim.resources import account_columns
from users.scim.scope import SourceAccess
from users.transfer.imports.name_lookups import (
    holders_by_name,
    holders_by_source_id,
    reserved_among,
    staff_with_plain_names,
    stored_lookalikes,
)
from users.usernames import is_reserved_username, plain_spelling

FIELDS = User._meta.concrete_fields
# Finds accounts and reservations with a name of a new account. Each part is an index look-up.
HOLDERS_SQL = """
    SELECT 1 FROM users_user WHERE lower(username) = %s
    UNION ALL SELECT 1 FROM users_user WHERE lookalike = %s AND lookalike <> ''
    UNION ALL SELECT 1 FROM users_user WHERE lower(email) = %s AND email <> ''
    UNION ALL SELECT 1 FROM users_user WHERE source_id = %s AND source = %s AND source_id <> ''
    UNION ALL SELECT 1 FROM users_reservation WHERE digest IN ({})
"""


class Name(NamedTuple):
    """A value that only one account can have. `kind`: "username", "email" or "source_id"."""

    kind: str
    value: Any


def conflict_free_creations(source: SourceAccess, operations: dict[int, Any]) -> dict[int, User]:
    """Returns the new accounts of the operations that nothing can refuse, by position."""
    if not access.may(source.viewer, "invite"):
        return {}
    built = {index: plain_account(source, each.data) for index, each in operations.items()}
    accounts = {index: account for index, account in built.items() if account is not None}
    taken = find_taken_names(accounts.values())
    conflict_free = {}
    for index, account in accounts.items():
        names = set(names_of(account))
        if taken.isdisjoint(names):
            conflict_free[index] = account
        taken |= names
    return conflict_free


def plain_account(source: SourceAccess, resource: Any) -> User | None:
    """Returns the account of a resource that creates an invited account; None for any other."""
    if not resource.user_name or resource.active is False or sent_password(resource):
        return None
    try:
        account = build_account(source, account_columns(resource))
    except (SCIMException, ValidationError):
        return None
    if is_reserved_username(account.username):
        return None
    if "@" in account.username and account.username != email_key(account.email):
        return None
    return account


def names_of(account: User) -> Iterator[Name]:
    """Yields the names of a new account. The skeleton of its username is one of them."""
    yield Name("username", account.username)
    yield Name("username", ascii_skeleton(account.username))
    if account.email:
        yield Name("email", email_key(account.email))
    if account.source_id:
        yield Name("source_id", (account.source, account.source_id))


def find_taken_names(accounts: Any) -> set[Name]:
    """Returns those names of new accounts that others have, or that are reserved."""
    names = {name for account in accounts for name in names_of(account)}
    usernames = values_of_kind(names, "username")
    addresses = values_of_kind(names, "email")
    reserved = reserved_among(usernames | addresses)
    staff = staff_with_plain_names(usernames)
    alike = {name for name in usernames if plain_spelling(name) in staff}
    taken = [
        *named("username", holders_by_name("username", usernames)),
        *named("username", stored_lookalikes(usernames)),
        *named("username", reserved | alike),
        *named("email", holders_by_name("email__lower", addresses)),
        *named("email", reserved),
        *named("source_id", holders_by_source_id(values_of_kind(names, "source_id"))),
    ]
    return set(taken)


def create_plain_account(source: SourceAccess, resource: Any) -> User | None:
    """Creates the account of a resource; returns None if something could refuse it."""
    if not access.may(source.viewer, "invite"):
        return None
    account = plain_account(source, resource)
    if account is None or not account.username.isascii() or has_holders(account):
        return None
    return account if store_new_users(source, [account]) else None


def has_holders(account: User) -> bool:
    """Returns whether a name of a new account with a username in ASCII is taken or reserved."""
    address = email_key(account.email)
    names = filter(None, {account.username, address})
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [reservation_digest(name, key) for name, key in product(names, keys)]
    sql = HOLDERS_SQL.format(", ".join(["%s"] * len(digests)))
    values = [account.username, account.username, address, account.source_id, account.source]
    with prepared_cursor(connection) as cursor:
        cursor.execute(sql, [*values, *digests])
        return cursor.fetchone() is not None


def values_of_kind(names: set[Name], kind: str) -> set[Any]:
    return {name.value for name in names if name.kind == kind}


def named(kind: str, values: Any) -> Iterator[Name]:
    return (Name(kind, value) for value in values)


def store_new_users(source: SourceAccess, accounts: list[User]) -> bool:
    """Stores new accounts with their events. Returns False, with nothing stored, if one of their
    names has been taken.
    """
    try:
        with transaction.atomic():
            insert_accounts(source, accounts)
    except IntegrityError:
        return False
    return True


def insert_accounts(source: SourceAccess, accounts: list[User]) -> None:
    """Inserts the accounts after their events, by which triggers recognise changes."""
    for account, pk in zip(accounts, reserve_ids(User, len(accounts)), strict=True):
        account.pk = pk
        account.derive()
    events = [
        (account.pk, account.username, account.version, provisioned_values(account))
        for account in accounts
    ]
    insert_events("account.provisioned", events, actor=source.viewer)
    columns = [str(field.column) for field in FIELDS]
    insert_values(User, columns, map(new_row_values, accounts))


def new_row_values(account: User) -> list[Any]:
    return [getattr(account, field.attname) for field in FIELDS]
