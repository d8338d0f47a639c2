"""Locks the accounts of a chunk and asks users.access about all of them at once, before anything is
changed.
"""

from django.db import connection

from users import access
from users.jobs.kinds import Chunk
from users.models import State, User, UserQuerySet, in_state
from users.row_locks import lock_superusers

LAST_SUPERUSER = "This is the last active superuser. Make someone else a superuser first."
ACCOUNT_GONE = "This account no longer exists."
# FOR UPDATE in a subquery locks as much, and the rows need not travel.
LOCK_SQL = """SELECT count(*) FROM (
    SELECT 1 FROM users_user WHERE id = ANY(%s) ORDER BY id FOR UPDATE
) AS held"""


def lock_permitted(chunk: Chunk, action: str, *, can_disable_superusers: bool) -> list[int]:
    """The ids of those that may be changed, locked until the transaction ends; the others are
    skipped with the reason.
    """
    accounts = plain_accounts().filter(pk__among=chunk.ids)
    superusers = accounts.filter(is_superuser=True)
    if can_disable_superusers and superusers.exists():
        lock_superusers()  # before any other account, as a verb does
    held = lock_ids(chunk.ids)
    refused = {
        pk: why.reason for pk, why in access.find_refusals(chunk.by, action, accounts).items()
    }
    if can_disable_superusers:
        refused |= spare_last_superuser(superusers, refused)
    if held < len(chunk.ids):
        refused |= dict.fromkeys(
            set(chunk.ids) - set(accounts.values_list("pk", flat=True)), ACCOUNT_GONE
        )
    for pk, reason in refused.items():
        chunk.skipped(pk, reason)
    return [pk for pk in chunk.ids if pk not in refused] if refused else chunk.ids


def lock_ids(ids: list[int]) -> int:
    """How many there are, in the order of their ids like everybody's locks. SQLite has one writer
    at a time anyway.
    """
    if connection.vendor != "postgresql":
        return plain_accounts().filter(pk__among=ids).count()
    with connection.cursor() as cursor:
        cursor.execute(LOCK_SQL, [ids])
        return cursor.fetchone()[0]


def spare_last_superuser(superusers: UserQuerySet, refused: dict[int, str]) -> dict[int, str]:
    """Keeps one of the active superusers without an end date: the one that verbs, account by
    account, would reach last.
    """
    keepers = plain_accounts().filter(
        in_state(State.ACTIVE), is_superuser=True, valid_until__isnull=True
    )
    theirs = set(superusers.values_list("pk", flat=True)) - refused.keys()
    if not theirs:
        return {}
    ids = set(keepers.values_list("pk", flat=True))
    return {max(ids): LAST_SUPERUSER} if ids and ids <= theirs else {}


def plain_accounts() -> UserQuerySet:
    """Without the alias that the manager gives to all queries: it costs time, and can't be part of
    an UPDATE.
    """
    return UserQuerySet(User)
