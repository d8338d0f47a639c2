"""The page that adds roles: its form and texts."""

from typing import Any

from django.contrib.auth.models import Group

from users import access
from users.models import User
from users.verbs.declaration import PageTexts
from users.web.forms import GroupsForm


class AddToGroupsForm(GroupsForm):
    def fit(self, account: User, viewer: Any) -> None:
        others = (
            Group.objects.exclude(user=account)
            .order_by("id")
            .prefetch_related("permissions__content_type")
        )
        held = None if viewer.is_superuser else viewer.get_all_permissions()
        self.offer(
            [
                group
                for group in others
                if held is None or access.permission_names(group.permissions.all()) <= held
            ]
        )


ROLE_ADDITION_TEXTS = PageTexts(
    title="Add roles to {name}",
    question="Add roles",
    explanation="You can only grant roles whose permissions you have.",
    button="Add roles",
    button_icon="roles",
)
