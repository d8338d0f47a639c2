"""The bulk form of add_to_groups."""

from datetime import datetime
from functools import reduce
from operator import and_
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Q

from users import access
from users.bulk.condition_action import deleted_skips
from users.bulk.role_action import (
    ROLES_DELETED,
    BulkGroupsForm,
    RoleAction,
    add_members,
    grant_refusals,
    is_member_of,
)
from users.jobs.models import Job


class BulkAddToGroupsForm(BulkGroupsForm):
    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        held = None if self.by.is_superuser else self.by.get_all_permissions()
        every = Group.objects.order_by("id").prefetch_related("permissions__content_type")
        self.offer(
            [
                group
                for group in every
                if held is None or access.permission_names(group.permissions.all()) <= held
            ]
        )


class AddToGroups(RoleAction):
    name = "add-to-groups"
    label = "Add roles"
    event = "account.groups_added"
    question_format = "Add roles to {}?"
    noun = "groups"
    position = 70
    outcome_phrase = "given these roles"
    icon = "plus"
    menu = "Access"
    explanation = (
        "The accounts get these roles and keep the ones they have. Takes effect immediately."
    )
    form = BulkAddToGroupsForm
    way = "Add to"

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        if "groups" not in job.parameters:
            return deleted_skips()
        if not (groups := self.groups(job)):
            return [*deleted_skips(), (Q(pk__gt=0), ROLES_DELETED)]
        has_all = reduce(and_, (Q(is_member_of(group)) for group in groups))
        return [*deleted_skips(), (has_all, "This account already has these roles.")]

    def role_refusals(
        self, by: Any, old: dict[int, dict[str, Any]], groups: dict[int, Group]
    ) -> dict[int, str]:
        return grant_refusals(
            by, {pk: groups.keys() - set(row["groups"]) for pk, row in old.items()}, groups
        )

    def change_memberships(self, old: dict[int, dict[str, Any]], groups: dict[int, Group]) -> None:
        add_members(list(old), set(groups))
