"""The page that adds roles: its form and texts."""

from typing import Any

from django.contrib.auth.models import Group

from users import access
from users.models import User
from users.verbs.declaration import PageTexts
from users.verbs.roles.confirmation import (
    describe_username_field,
    require_confirmation,
    role_end_field,
    username_field,
)
from users.web.forms import GroupsForm


class AddRolesForm(GroupsForm):
    until = role_end_field()
    typed_username = username_field()
    field_order = ("groups", "until", "reason", "ticket", "typed_username")
    target: User

    def fit(self, account: User, viewer: Any) -> None:
        """Offers the roles that the account lacks and that the viewer may grant."""
        self.target = account
        groups = grantable_groups(account, viewer)
        self.offer(groups)
        describe_username_field(self, account, groups)

    def clean(self) -> None:
        super().clean()
        require_confirmation(self, self.target, self.cleaned_data.get("groups", ()))

    def values(self) -> dict[str, Any]:
        names = ("groups", "until", "reason", "version")
        return {name: self.cleaned_data[name] for name in names}


def grantable_groups(account: User, viewer: Any) -> list[Group]:
    """Returns the roles that the account lacks and whose permissions the viewer has."""
    others = Group.objects.exclude(user=account).order_by("id")
    if viewer.is_superuser:
        return list(others)
    held = viewer.get_all_permissions()
    rows = others.prefetch_related("permissions__content_type")
    return [row for row in rows if access.permission_names(row.permissions.all()) <= held]


ROLE_ADDITION_TEXTS = PageTexts(
    title="Add roles to {name}",
    question="Add roles",
    explanation="You can only grant roles whose permissions you have.",
    button="Add roles",
    button_icon="roles",
)
