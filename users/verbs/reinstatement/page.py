"""The page that ends a suspension: its form and texts."""

from users.models import User
from users.typed_text import isolate_text
from users.verbs.declaration import PageTexts
from users.verbs.forms import NotifyingForm
from users.web.forms import reason_field


class ReinstatementForm(NotifyingForm):
    reason = reason_field(required=False)
    field_order = ("version", "reason", "notify")

    def notify_help(self, account: User) -> str:
        return f"The email to {isolate_text(account.email)} says that the user can sign in again."


REINSTATEMENT_TEXTS = PageTexts(
    title="Reinstate {name}",
    question="Reinstate {name}?",
    explanation="The user can sign in again.",
    button="Reinstate account",
)
