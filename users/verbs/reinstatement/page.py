""""""

from users.models import User
from users.verbs.forms import NotifyingForm
from users.web.forms import reason_field


class ReinstatementForm(NotifyingForm):
    reason = reason_field(required=False)
    field_order = ("version", "reason", "tell")

    def says(self, account: User) -> str:
        return f"The email to {account.email} says that the user can sign in again."
