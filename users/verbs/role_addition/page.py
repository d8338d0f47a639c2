"""The page that adds roles: its form and texts."""

from typing import Any

from django.contrib.auth.models import Group

from users import access
from users.models import User
from users.verbs.declaration import PageTexts
from users.web.forms import GroupsForm


class AddRolesForm(GroupsForm):
    def fit(self, account: User, viewer: Any) -> None:
        """Offers the roles that the account lacks and that the viewer may grant."""
        others = Group.objects.exclude(user=account).order_by("id")
        if viewer.is_superuser:
            self.offer(list(others))
            return
        held = viewer.get_all_permissions()
        self.offer(
            [
                group
                for group in others.prefetch_related("permissions__content_type")
                if access.permission_names(group.permissions.all()) <= held
            ]
        )


ROLE_ADDITION_TEXTS = PageTexts(
    title="Add roles to {name}",
    question="Add roles",
    explanation="You can only grant roles whose permissions you have.",
    button="Add roles",
    button_icon="roles",
)
