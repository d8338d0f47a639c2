"""The page that suspends an account: its form and texts."""

from datetime import timedelta
from typing import Any, ClassVar

from django import forms

from users.database.clock import current_time
from users.models import User
from users.typed_text import isolate_text
from users.verbs.declaration import PageTexts
from users.verbs.forms import NotifyingForm
from users.web.forms import reason_field
from users.web.moment_field import MomentField

# Suggested reasons, which staff complete. Their names are used in URLs.
SUSPENSION_REASONS = {
    "lost-device": "Lost or stolen device with an open session.",
    "taken-over": "Possibly used by someone else, signed in from: ",
    "abuse": "Reported for abuse, report: ",
    "unpaid": "Unpaid invoice: ",
    "left": "Left the organisation (confirmed by): ",
    "investigation": "Under investigation, contact: ",
}


class SuspensionForm(NotifyingForm):
    templates = SUSPENSION_REASONS
    DAYS: ClassVar[dict[str, int]] = {"1": 1, "7": 7, "30": 30}

    reason = reason_field()
    lasts = forms.ChoiceField(
        required=False,
        label="Duration",
        choices=[
            ("", "Indefinitely"),
            ("1", "1 day"),
            ("7", "7 days"),
            ("30", "30 days"),
            ("until", "Custom date"),
        ],
    )
    until = MomentField(
        required=False,
        label="Until",
        help_text="Only for “Custom date”.",
    )
    # Scripts show the field for this choice only.
    until.widget.attrs["data-only-for"] = "lasts=until"
    until.conditional = True  # type: ignore[attr-defined]
    field_order = ("version", "reason", "lasts", "until", "notify")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        lasts = cleaned.pop("lasts", "")
        until = cleaned.get("until")
        if lasts in self.DAYS and until:
            self.add_error(
                "until",
                "Clear this field, or choose “Custom date” as the duration.",
            )
        if lasts == "until" and not until and "until" not in self.errors:
            self.add_error("until", "Choose a date and time.")
        if lasts in self.DAYS:
            cleaned["until"] = current_time() + timedelta(days=self.DAYS[lasts])
        return cleaned

    def notify_help(self, account: User) -> str:
        return f"The email to {isolate_text(account.email)} gives the end date but not the reason."


SUSPENSION_TEXTS = PageTexts(
    title="Suspend {name}",
    question="Suspend {name}?",
    explanation=(
        "The user can’t sign in and all sessions end immediately."
        " You can reinstate the account at any time."
    ),
    button="Suspend account",
)
