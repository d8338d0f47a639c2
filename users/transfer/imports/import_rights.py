"""The rights of the person who imports, read once for each chunk."""

from functools import cached_property
from typing import Any

from django.contrib.auth.models import Group

from users import access
from users.models import User
from users.role_grants import administrator_roles
from users.transfer.imports.rules import ImportRules


def require_rights(by: Any, rules: ImportRules) -> None:
    """Raises access.Denied unless `by` may import by these rules at all."""
    if rules.creates:
        access.require(by, "invite")
    if rules.updates:
        access.require(by, "edit")


class ImportRights:
    """The rights of the person who imports, and the roles that they may give."""

    def __init__(self, by: Any, rules: ImportRules):
        self.by = by
        self.rules = rules
        self.refusals: dict[str, str] = {}
        # Reasons why a role can't be given, by id; "" for one that can.
        self.roles: dict[int, str] = {}

    def refusal(self, action: str) -> str:
        """Returns why the person may not take an action; "" if they may."""
        if action not in self.refusals:
            refusal = access.find_refusal(self.by, action)
            self.refusals[action] = refusal.reason if refusal else ""
        return self.refusals[action]

    def own_refusal(self, action: str, account: User | None) -> str:
        """Returns why the person may not take an action on an existing account that is their own;
        "" if they may, or if it is another one.
        """
        if account is None or account.pk != self.by.pk:
            return ""
        refusal = access.own_account_refusal(self.by, action, account)
        return refusal.reason if refusal else ""

    @cached_property
    def groups_by_id(self) -> dict[int, Group]:
        """All roles."""
        return Group.objects.in_bulk()

    @cached_property
    def groups_by_name(self) -> dict[str, Group]:
        """All roles by name, and by name in lower case."""
        groups = self.groups_by_id.values()
        folded = {group.name.casefold(): group for group in groups}
        return folded | {group.name: group for group in groups}

    @cached_property
    def administrator_role_ids(self) -> set[int]:
        """The roles that are granted to one account at a time, with its username typed: never by an
        import, nor by that of a command.
        """
        return {group.pk for group in administrator_roles(self.groups_by_id.values())}

    def choose_roles(self, names: list[str], remarks: list[str]) -> set[int]:
        """Returns the ids of the roles that the rules and a row name. Appends a remark for each one
        that is not applied.
        """
        chosen = set()
        for pk in self.rules.groups:
            if self.may_give(self.groups_by_id.get(pk), str(pk), remarks):
                chosen.add(pk)
        for name in names:
            group = self.groups_by_name.get(name) or self.groups_by_name.get(name.casefold())
            if group and self.may_give(group, name, remarks):
                chosen.add(group.pk)
            elif group is None:
                remarks.append(f"Role “{name}” was not applied: There is no such role.")
        return chosen

    def may_give(self, group: Group | None, name: str, remarks: list[str]) -> bool:
        """Returns whether the person may give a role. Otherwise appends the reason."""
        if group is None:
            remarks.append(f"Role {name} was not applied: It no longer exists.")
            return False
        if group.pk not in self.roles:
            self.roles[group.pk] = self.role_refusal(group)
        if reason := self.roles[group.pk]:
            remarks.append(f"Role “{group.name}” was not applied: {reason}")
        return not reason

    def role_refusal(self, group: Group) -> str:
        """Returns why the person may not give a role in an import; "" if they may."""
        if reason := self.refusal("change_groups"):
            return reason
        if group.pk in self.administrator_role_ids:
            return "It can only be granted on the page of an account."
        refusal = access.grant_refusal(
            self.by,
            groups=[group],
            is_staff=False,
            is_superuser=False,
        )
        return refusal.reason if refusal else ""
