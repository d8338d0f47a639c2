"""The owners of service accounts, which may act only while their owner is active staff."""

from typing import Any

from users.account_state import State, in_state
from users.models import User, UserQuerySet


def active_staff() -> UserQuerySet:
    """Returns the people who may own a service account."""
    return UserQuerySet(User).filter(in_state(State.ACTIVE), is_staff=True, owner_id__isnull=True)


def may_own_services(account: User) -> bool:
    """Returns whether the account is one of `active_staff`."""
    return account.is_active and account.is_staff and account.owner_id is None


def has_active_owner(account: Any) -> bool:
    """Returns whether the owner of a service account is active staff now. A person needs no owner.

    The answer is asked for once for each loaded account.
    """
    if account.owner_id is None:
        return True
    known: bool | None = vars(account).get("known_active_owner")
    if known is None:
        known = active_staff().filter(pk=account.owner_id).exists()
        account.known_active_owner = known
    return known
