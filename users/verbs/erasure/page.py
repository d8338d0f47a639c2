"""The page that erases an account: its form and texts."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from users import masking
from users.email_addresses import identifier_key
from users.models import State, User
from users.verbs.declaration import PageTexts
from users.web.forms import TextField, VerbForm, reason_field


class ErasureForm(VerbForm):
    reason = reason_field(
        help_text=(
            "Visible in the audit trail, so it must not name the person. A ticket number is enough."
        )
    )
    reserve = forms.BooleanField(
        required=False,
        initial=True,
        label="Reserve the username and address",
        help_text="No one can use them again. Stored as one-way hashes.",
    )
    confirm = TextField(
        max_length=320,
        label="Username",
        help_text="Type the username shown above to confirm.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def fit(self, account: User, viewer: Any) -> None:
        """Asks for the id instead of the username if that is masked for the viewer."""
        self.expected = account.username
        self.expected_name = "username"
        if masking.hides_personal_data(viewer):
            self.expected = str(account.pk)
            self.expected_name = "ID"
            field = self.fields["confirm"]
            field.label = "ID"
            field.help_text = "Type the account ID shown above to confirm."
        # The verb refuses an account that someone else has just erased, and its username is gone.
        self.already_erased = account.status == State.ERASED

    def clean_confirm(self) -> str:
        typed = self.cleaned_data["confirm"]
        folded = identifier_key(typed)
        if self.expected_name == "ID":
            folded = folded.removeprefix("#")
        if folded != self.expected and not self.already_erased:
            raise ValidationError(
                f"That doesn’t match. Type the account’s {self.expected_name} to confirm."
            )
        return typed

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("reason", "reserve", "version")}


ERASURE_TEXTS = PageTexts(
    title="Erase an account",
    question="Erase {name}?",
    explanation=(
        "Removes the name, address, phone number and all other personal data from the account,"
        " its notes, emails, sign-ins and sessions, and from saved views that name it."
        " Mentions in other accounts’ notes are removed in the background."
        " The audit trail stays intact and verifiable."
    ),
    button="Erase permanently",
)
