"""The page that links an account to an identity at the provider: its form and texts."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from users.oidc.id_tokens import is_text
from users.oidc.models import SUBJECT_MAX
from users.verbs.declaration import PageTexts
from users.web.forms import ReasonForm

OTHER_CHARACTERS = "IDs of the provider have only letters without accents, digits and signs."


class OidcLinkForm(ReasonForm):
    subject = forms.CharField(
        label="ID at the provider",
        max_length=SUBJECT_MAX,
        help_text="The page “Account not linked” shows it to the person who signs in.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    field_order = ("subject", "reason", "ticket")

    def clean_subject(self) -> str:
        subject: str = self.cleaned_data["subject"]
        if not is_text(subject):
            raise ValidationError(OTHER_CHARACTERS, code="characters")
        return subject

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("subject", "reason", "version")}


OIDC_LINK_TEXTS = PageTexts(
    title="Link {name} to single sign-on",
    question="Link single sign-on?",
    explanation=(
        "Whoever has this ID at the provider can sign in to this account. Make sure that you are"
        " speaking with the account’s owner."
    ),
    button="Link single sign-on",
)
