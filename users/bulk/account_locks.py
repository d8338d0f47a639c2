"""Locks the accounts of a chunk and checks the permission for all of them at once, before anything
is changed.
"""

from typing import Any

from django.db import connection

from users import access
from users.jobs.kinds import Chunk
from users.models import State, User, UserQuerySet, in_state
from users.row_locks import lock_superusers

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
    superusers = accounts.filter(is_superuser=True)
    if can_disable_superusers and superusers.exists():
        # Verbs also lock superusers before any other account.
        lock_superusers()
    locked = lock_ids(chunk.ids)
    refused = find_refusal_reasons(accounts, by=chunk.by, action=action)
    if can_disable_superusers:
        refused |= last_superuser_refusal(superusers, refused)
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


def last_superuser_refusal(superusers: UserQuerySet, refused: dict[int, str]) -> dict[int, str]:
    """Returns id and reason of one superuser to skip if the change would leave no active superuser
    without an end date; otherwise {}. It is the one with the highest id, which verbs applied to one
    account after another would reach last.
    """
    affected = set(superusers.values_list("pk", flat=True)) - refused.keys()
    if not affected:
        return {}
    permanent = plain_accounts().filter(
        in_state(State.ACTIVE), is_superuser=True, valid_until__isnull=True
    )
    ids = set(permanent.values_list("pk", flat=True))
    if ids and ids <= affected:
        return {max(ids): LAST_SUPERUSER}
    return {}


def plain_accounts() -> UserQuerySet:
    """Returns all accounts without the alias that the manager adds to every query. The alias takes
    time to build and can't be part of an UPDATE.
    """
    return UserQuerySet(User)
