"""The bulk form of remove_roles."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Q

from users.administrators import lock_administrators, staff_managing_roles
from users.bulk.account_locks import administrator_refusals, plain_accounts
from users.bulk.role_action import BulkRolesForm, RoleAction, is_member_of
from users.jobs.kinds import Chunk
from users.jobs.models import Job
from users.role_grants import Membership
from users.verbs.role_removal.verb import ROLE_REMOVAL_OBSTACLES


class RemoveRoles(RoleAction):
    name = "remove-from-groups"
    label = "Remove roles"
    event = "account.groups_removed"
    obstacles = ROLE_REMOVAL_OBSTACLES
    question_format = "Remove roles from {}?"
    slug = "groups-removal"
    position = 80
    outcome_phrase = "removed from these roles"
    icon = "close"
    menu = "Access"
    explanation = "The accounts lose these roles and keep all others. Takes effect immediately."
    form = BulkRolesForm
    title_format = "Remove {roles} from {accounts}"

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        skips = super().skips(job, now)
        if "groups" not in job.parameters:
            return skips
        not_member = ~Q(is_member_of(*job.parameters["groups"]))
        return [*skips, (not_member, "This account has none of these roles.")]

    def run(self, chunk: Chunk) -> None:
        if self.chosen_groups(chunk.job).keys() & set(staff_managing_roles()):
            lock_administrators()
        super().run(chunk)

    def role_refusals(
        self, by: Any, old: dict[int, dict[str, Any]], groups: dict[int, Group]
    ) -> dict[int, str]:
        """Keeps enough administrators. A superuser stays one without any role."""
        if not groups.keys() & set(staff_managing_roles()):
            return {}
        members = plain_accounts().filter(pk__among=list(old), is_superuser=False)
        return administrator_refusals(members.filter(is_member_of(*groups)), {}, by)

    def change_memberships(self, old: dict[int, dict[str, Any]], groups: dict[int, Group]) -> None:
        Membership.objects.filter(user_id__among=list(old), group_id__in=groups).delete()
