"""Locks the accounts of a chunk and checks the permission for all of them at once, before anything
is changed.
"""

from typing import Any

from django.conf import settings
from django.db import connection

from users import access
from users.administrators import (
    lock_administrators,
    permanent_administrators,
    record_decrease,
    too_few_refusal,
)
from users.jobs.kinds import Chunk
from users.models import User, UserQuerySet

LAST_SUPERUSER = "This is the last active superuser. Make someone else a superuser first."
ACCOUNT_GONE = "This account no longer exists."
# FOR UPDATE in a subquery locks the rows without sending them to the client.
LOCK_SQL = """SELECT count(*) FROM (
    SELECT 1 FROM users_user WHERE id = ANY(%s) ORDER BY id FOR UPDATE
) AS held"""


def lock_permitted(chunk: Chunk, action: str, *, can_disable_superusers: bool) -> list[int]:
    """Locks the accounts of the chunk until the transaction ends. Returns the ids of those that may
    be changed, and reports the others as skipped.
    """
    accounts = plain_accounts().filter(pk__among=chunk.ids)
    if can_disable_superusers and accounts.filter(is_staff=True).exists():
        # Verbs also lock administrators before any other account.
        lock_administrators()
    locked = lock_ids(chunk.ids)
    refused = find_refusal_reasons(accounts, by=chunk.by, action=action)
    if can_disable_superusers:
        refused |= administrator_refusals(accounts, refused, chunk.by)
    if locked < len(chunk.ids):
        missing = set(chunk.ids) - set(accounts.values_list("pk", flat=True))
        refused |= dict.fromkeys(missing, ACCOUNT_GONE)
    for pk, reason in refused.items():
        chunk.skipped(pk, reason)
    return [pk for pk in chunk.ids if pk not in refused]


def find_refusal_reasons(accounts: UserQuerySet, *, by: Any, action: str) -> dict[int, str]:
    """Returns a reason by account id for the accounts on which `by` may not take `action`."""
    refusals = access.find_refusals(by, action, accounts)
    return {pk: refusal.reason for pk, refusal in refusals.items()}


def lock_ids(ids: list[int]) -> int:
    """Locks accounts in ascending order of id, the order of all locks. Returns how many of them
    exist. SQLite has only one writer at a time, so nothing is locked there.
    """
    if connection.vendor != "postgresql":
        return plain_accounts().filter(pk__among=ids).count()
    with connection.cursor() as cursor:
        cursor.execute(LOCK_SQL, [ids])
        return cursor.fetchone()[0]


def administrator_refusals(
    accounts: UserQuerySet, refused: dict[int, str], by: Any
) -> dict[int, str]:
    """Returns id and reason of each of `accounts` to skip, so that a change of the others leaves a
    superuser and enough administrators. Those with the highest ids are skipped, which verbs applied
    to one account after another would reach last. `refused` are not changed anyway.
    """
    found: dict[int, str] = {}
    rows = permanent_administrators().values_list("pk", "is_superuser")
    administrators = dict(rows)
    within = accounts.filter(pk__in=list(administrators)).values_list("pk", flat=True)
    affected = set(within) - refused.keys()
    superusers = {pk for pk, is_superuser in administrators.items() if is_superuser}
    if superusers and superusers <= affected:
        found[max(superusers)] = LAST_SUPERUSER
    changed = affected - found.keys()
    for pk in sorted(changed, reverse=True)[: missing_number(administrators, changed, by)]:
        found[pk] = too_few_refusal()
    if changed - found.keys():
        record_decrease(len(administrators))
    return found


def missing_number(administrators: dict[int, bool], changed: set[int], by: Any) -> int:
    """Returns how many of the changed administrators must stay as they are."""
    minimum: int = settings.MINIMUM_ADMINISTRATORS
    if isinstance(by, access.CommandActor) or len(administrators) < minimum:
        return 0
    return max(minimum - len(administrators.keys() - changed), 0)


def plain_accounts() -> UserQuerySet:
    """Returns all accounts without the alias that the manager adds to every query. The alias takes
    time to build and can't be part of an UPDATE.
    """
    return UserQuerySet(User)
