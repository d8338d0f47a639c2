"""The page that removes roles: its form and texts."""

from typing import Any

from users.models import User
from users.verbs.declaration import PageTexts
from users.web.forms import GroupsForm


class RemoveRolesForm(GroupsForm):
    def fit(self, account: User, viewer: Any) -> None:
        """Offers the roles that the account has."""
        self.offer(list(account.groups.order_by("id")))


ROLE_REMOVAL_TEXTS = PageTexts(
    title="Remove roles from {name}",
    question="Remove roles",
    explanation="Takes effect immediately.",
    button="Remove roles",
    button_icon="roles",
)
