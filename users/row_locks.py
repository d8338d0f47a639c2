"""Row locks on accounts. Administrators are locked before others (users/administrators.py)."""

from django.db import connection
from django.db.transaction import TransactionManagementError

from users.database.cached_query import CachedQuery
from users.models import User

LOCKED_ACCOUNT = CachedQuery(
    User,
    lambda pk: User.objects.select_for_update(of=("self",)).filter(pk=pk),
    locks=True,
)


def lock_account(account: User) -> User:
    """Returns the account as it is stored now, locked until the transaction ends.

    Raises DoesNotExist, and TransactionManagementError outside of a transaction: there the lock
    would end at once, and Django says so only when it compiles the query.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("An account can only be locked inside a transaction.")
    found: list[User] = LOCKED_ACCOUNT.objects(account.pk)
    if not found:
        raise User.DoesNotExist
    return found[0]
