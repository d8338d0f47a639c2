"""Finds the accounts and reservations that have names of rows, with one query for each kind."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from users.models import User, UserQuerySet
from users.privacy.models import Reservation
from users.privacy.reservations import reserved_names
from users.usernames import plain_spelling

# A system and an ID in it.
SourceID = tuple[str, str]


def reserved_among(names: set[str]) -> set[str]:
    """Returns those of the names that are reserved. Most databases have no reservation, and a
    digest of each name takes long.
    """
    return reserved_names(names) if Reservation.objects.exists() else set()


def stored_lookalikes(skeletons: Iterable[str]) -> dict[str, dict[int, str]]:
    """Returns the usernames that look like one of the skeletons, by skeleton and account id."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    alike = User.objects.order_by().filter(lookalike__among=skeletons)
    alike = with_partial_index(alike, "lookalike")
    for looks_like, pk, username in alike.values_list("lookalike", "pk", "username"):
        found[looks_like][pk] = username
    return found


def with_partial_index(accounts: UserQuerySet, name: str) -> UserQuerySet:
    """Returns accounts by a field whose index leaves out the empty ones. PostgreSQL does not see
    that none of more than a hundred values is empty, and would read all accounts.
    """
    return accounts.exclude(**{name: ""})


def staff_with_plain_names(names: set[str]) -> dict[str, int]:
    """Returns the ids of staff whose usernames differ from `names` only in accents, by username."""
    plain = {plain_spelling(name) for name in names if not name.isascii()}
    if not plain:
        return {}
    return holders_by_name("username", plain, is_staff=True)


def holders_by_name(name: str, values: set[str], **more: Any) -> dict[str, int]:
    """Returns the ids of the accounts that have one of `values` in a field, by value."""
    found = User.objects.order_by().filter(**{f"{name}__among": values}, **more)
    return dict(found.values_list(name, "pk"))


def holders_by_source_id(source_ids: set[SourceID]) -> dict[SourceID, int]:
    """Returns the ids of the accounts that have one of these IDs in another system."""
    if not source_ids:
        return {}
    systems = {system for system, _ in source_ids}
    values = {value for _, value in source_ids}
    found = User.objects.order_by().filter(source__in=systems, source_id__among=values)
    found = with_partial_index(found, "source_id")
    rows = found.values_list("source", "source_id", "pk")
    return {(system, value): pk for system, value, pk in rows}
