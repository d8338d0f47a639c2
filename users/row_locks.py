"""Row locks on accounts and roles. Administrators are locked before others
(users/administrators.py).
"""

from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.db import connection
from django.db.transaction import TransactionManagementError

from users.database.cached_query import CachedQuery
from users.models import User

LOCKED_ACCOUNT = CachedQuery(
    User,
    lambda pk: User.objects.select_for_update(of=("self",)).filter(pk=pk),
    locks=True,
)
ROLE_LOCK = "SELECT FROM auth_group WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE"


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


def lock_roles_for_grant(ids: Iterable[int]) -> list[Group]:
    """Returns the roles with these IDs, sorted by ID. Their permissions stay as they are until the
    transaction ends, and none of them is deleted.

    Grants lock the account before the role, and a change of the members of a SCIM group the role
    before the accounts. Neither waits for the other’s role: FOR KEY SHARE excludes only FOR UPDATE,
    which changes of roles use (users/staff/roles/changes.py). Django's ORM does not have it.
    """
    pks = sorted(ids)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(ROLE_LOCK, [pks])
    return list(Group.objects.filter(pk__in=pks).order_by("pk"))
