"""Removes roles whose grant has ended. They have no effect since then (users/role_grants.py)."""

import logging
from collections import defaultdict

from django.db.models import Exists, OuterRef

from users.audit.redaction import SystemActor
from users.database.clock import current_time
from users.models import User
from users.role_grants import Membership
from users.role_models import RoleGrant
from users.verbs.transaction import change_account

logger = logging.getLogger("rollcall.roles")
EVENT = "account.groups_removed"
ENDED_REASON = "The time of the role has ended."
# Accounts in one run.
BATCH = 1000


def remove_ended_roles() -> int:
    """Removes ended roles with an event for each account. Returns the number of accounts.

    Also deletes grants whose membership has been removed.
    """
    ended: dict[int, list[int]] = defaultdict(list)
    rows = RoleGrant.objects.filter(until__lte=current_time()).order_by("until")
    for account_id, membership_id in rows.values_list("account_id", "membership_id")[:BATCH]:
        ended[account_id].append(membership_id)
    for account_id, memberships in ended.items():
        try:
            remove_memberships(account_id, memberships)
        except Exception:
            # It has no effect any more. The others are removed, and this one is tried again.
            logger.exception("The ended roles of account %s could not be removed", account_id)
    delete_orphans()
    return len(ended)


def remove_memberships(account_id: int, memberships: list[int]) -> None:
    account = User(pk=account_id)
    with change_account(
        account, None, EVENT, by=SystemActor(), version=None, reason=ENDED_REASON
    ) as current:
        held = Membership.objects.filter(pk__in=memberships, user_id=account_id)
        current.groups.remove(*held.values_list("group_id", flat=True))
        RoleGrant.objects.filter(membership_id__in=memberships).delete()


def delete_orphans() -> None:
    """Deletes grants of roles that were removed or given again since."""
    held = Membership.objects.filter(pk=OuterRef("membership_id"))
    orphans = RoleGrant.objects.filter(~Exists(held)).values_list("pk", flat=True)[:BATCH]
    RoleGrant.objects.filter(pk__in=list(orphans)).delete()
