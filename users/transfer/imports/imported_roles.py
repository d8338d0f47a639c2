"""Stores the roles that the rows of an import give, each with the grant that says who gave it."""

from collections import defaultdict
from itertools import repeat

from users.audit.origin import current_origin
from users.database.row_writes import insert_values
from users.jobs.models import Job
from users.role_grants import Membership, record_grants
from users.transfer.imports.row_plans import RowPlan
from users.transfer.imports.storage_context import StorageContext


def store_memberships(plans: list[RowPlan], context: StorageContext) -> None:
    """Stores the roles that accounts get, with their grants."""
    members = role_members(plans)
    if not members:
        return
    job = Job.objects.filter(pk=context.job_id or 0).only("reason").first()
    reason = job.reason if job else ""
    for group, ids in members.items():
        insert_values(Membership, ("user_id", "group_id"), zip(ids, repeat(group)))
        record_grants(
            ids,
            [group],
            by=context.by,
            reason=reason,
            ticket=current_origin.get().ticket,
        )


def role_members(plans: list[RowPlan]) -> dict[int, list[int]]:
    """Returns the ids of the accounts that get a role, by the id of the role."""
    members: dict[int, list[int]] = defaultdict(list)
    for plan in plans:
        if plan.account_id:
            for group in plan.roles:
                members[group].append(plan.account_id)
    return members
