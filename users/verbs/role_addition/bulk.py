"""The bulk form of add_roles."""

from datetime import datetime
from functools import reduce
from operator import and_
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Q

from users import access
from users.bulk.role_action import (
    ADMINISTRATOR_ROLE_REFUSAL,
    ROLES_DELETED,
    BulkRolesForm,
    RoleAction,
    add_members,
    grant_refusals,
    is_member_of,
)
from users.jobs.models import Job
from users.role_grants import administrator_roles
from users.verbs.obstacles import DELETED_OBSTACLES


class BulkAddRolesForm(BulkRolesForm):
    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        excluded = [group.pk for group in administrator_roles(Group.objects.all())]
        groups = Group.objects.exclude(pk__in=excluded).order_by("id")
        groups = groups.prefetch_related("permissions__content_type")
        if self.by.is_superuser:
            self.offer(list(groups))
            return
        held = self.by.get_all_permissions()
        self.offer(
            [group for group in groups if access.permission_names(group.permissions.all()) <= held]
        )

    def clean_groups(self) -> Any:
        """Refuses roles that are granted to one account at a time, with its username typed."""
        groups = self.cleaned_data["groups"]
        if refused := administrator_roles(groups):
            names = " and ".join(group.name for group in refused)
            raise ValidationError(
                f"Grant {names} on the page of each account.", code="administrator"
            )
        return groups


class AddRoles(RoleAction):
    name = "add-to-groups"
    label = "Add roles"
    event = "account.groups_added"
    obstacles = DELETED_OBSTACLES
    question_format = "Add roles to {}?"
    slug = "groups"
    position = 70
    outcome_phrase = "given these roles"
    icon = "plus"
    menu = "Access"
    explanation = (
        "The accounts get these roles and keep the ones they have. Takes effect immediately."
    )
    form = BulkAddRolesForm
    title_format = "Add {roles} to {accounts}"

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        gone = super().skips(job, now)
        if "groups" not in job.parameters:
            return gone
        groups = self.chosen_groups(job)
        if not groups:
            return [*gone, (Q(pk__gt=0), ROLES_DELETED)]
        has_all = reduce(and_, (Q(is_member_of(group)) for group in groups))
        return [*gone, (has_all, "This account already has these roles.")]

    def role_refusals(
        self, by: Any, old: dict[int, dict[str, Any]], groups: dict[int, Group]
    ) -> dict[int, str]:
        # A role may have got an administrator permission since the form was sent.
        if administrator_roles(groups.values()):
            return dict.fromkeys(old, ADMINISTRATOR_ROLE_REFUSAL)
        gained = {pk: groups.keys() - set(row["groups"]) for pk, row in old.items()}
        return grant_refusals(by, gained, groups)

    def change_memberships(self, old: dict[int, dict[str, Any]], groups: dict[int, Group]) -> None:
        add_members(list(old), set(groups))
