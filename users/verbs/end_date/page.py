"""The page that sets the end date: its form and texts."""

from typing import Any

from django.http import QueryDict

from users.models import User
from users.verbs.declaration import PageTexts
from users.web.forms import VerbForm, reason_field
from users.web.moment_field import MomentField


class EndDateForm(VerbForm):
    until = MomentField(label="End date", help_text="The user can’t sign in after this time.")
    reason = reason_field(required=False)

    @classmethod
    def start(cls, account: User, query: QueryDict) -> dict[str, Any]:
        return super().start(account, query) | {"until": account.valid_until}


END_DATE_TEXTS = PageTexts(
    title="End date of {name}",
    question="End date",
    explanation=(
        "The account expires at this time and all its sessions end."
        " You can change or clear the date at any time."
    ),
    button="Save",
)
