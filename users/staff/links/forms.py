"""The forms that link an account to an identity at the provider, and end the link."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from users.oidc.id_tokens import is_text
from users.oidc.models import SUBJECT_MAX
from users.web.forms import TicketForm, reason_field

OTHER_CHARACTERS = "The ID may have only ASCII letters, digits and punctuation."


class UnlinkForm(TicketForm):
    reason = reason_field()


class LinkAccountForm(TicketForm):
    subject = forms.CharField(
        label="ID at the provider",
        max_length=SUBJECT_MAX,
        help_text="The person sees it after signing in there, on the page “Account not linked”.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    reason = reason_field()

    def clean_subject(self) -> str:
        subject: str = self.cleaned_data["subject"]
        if not is_text(subject):
            raise ValidationError(OTHER_CHARACTERS, code="characters")
        return subject

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("subject", "reason")}
