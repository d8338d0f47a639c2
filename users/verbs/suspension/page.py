""""""

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.utils import timezone

from users.models import User
from users.verbs.forms import NotifyingForm
from users.web.forms import moment_field, reason_field

# Reasons to begin with: staff choose one and complete it. Their names stand in URLs.
SUSPENSION_REASONS = {
    "lost-device": "A device with an open session was lost or stolen.",
    "taken-over": "Somebody else seems to use this account. Signed in from: ",
    "abuse": "Reported for abuse. Report: ",
    "unpaid": "Unpaid. Invoice: ",
    "left": "Has left the organisation. Told by: ",
    "investigation": "Under investigation. Ask: ",
}


class SuspensionForm(NotifyingForm):
    templates = SUSPENSION_REASONS
    DAYS: ClassVar[dict[str, int]] = {"1": 1, "7": 7, "30": 30}

    reason = reason_field(help_text="Stays in the audit trail. The person never reads it.")
    lasts = forms.ChoiceField(
        required=False,
        label="For how long",
        choices=[
            ("", "No end"),
            ("1", "1 day"),
            ("7", "7 days"),
            ("30", "30 days"),
            ("until", "Until the time below"),
        ],
    )
    until = moment_field(
        required=False, label="Until", help_text="In UTC. Only with “Until the time below”."
    )
    field_order = ("version", "reason", "lasts", "until", "tell")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        lasts = cleaned.pop("lasts", "")
        until = cleaned.get("until")
        if lasts in self.DAYS and until:
            self.add_error(
                "until",
                f"Leave this empty, or choose “Until the time below” instead of {lasts} days.",
            )
        if lasts == "until" and not until and "until" not in self.errors:
            self.add_error("until", "Say until when.")
        if lasts in self.DAYS:
            cleaned["until"] = timezone.now() + timedelta(days=self.DAYS[lasts])
        return cleaned

    def says(self, account: User) -> str:
        return f"A mail to {account.email} says that the account is suspended and until when, and nothing of the reason."
