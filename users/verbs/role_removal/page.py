""""""

from typing import Any

from users.models import User
from users.web.forms import GroupsForm


class RemoveFromGroupsForm(GroupsForm):
    def fit(self, account: User, viewer: Any) -> None:
        self.offer(list(account.groups.order_by("id")))
