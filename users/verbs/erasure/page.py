""""""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from users import masking
from users.identifiers import fold
from users.models import State, User
from users.web.forms import VerbForm, reason_field, refuse_lost


class ErasureForm(VerbForm):
    reason = reason_field(
        help_text="Stays in the audit trail, so it must not name the person. The number of a request will do."
    )
    reserve = forms.BooleanField(
        required=False,
        initial=True,
        label="Keep the username and the address reserved",
        help_text="Nobody can register with them again. Kept as digests, which tell nobody what they were.",
    )
    confirm = forms.CharField(
        max_length=320,
        label="Username",
        validators=[refuse_lost],
        help_text="To be sure that it is this account: type its username, as it stands above.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def fit(self, account: User, viewer: Any) -> None:
        """Whoever does not see the whole username types the number."""
        self.wanted = account.username
        self.what = "username"
        if masking.hides(viewer):
            self.wanted = str(account.pk)
            self.what = "number"
            field = self.fields["confirm"]
            field.label = "Number"
            field.help_text = (
                "To be sure that it is this account: type its number, as it stands above."
            )
        self.over = (
            account.status == State.ERASED
        )  # by somebody else just now, and its username with it: the verb says so

    def clean_confirm(self) -> str:
        typed = self.cleaned_data["confirm"]
        if (
            not self.over
            and fold(typed.strip()).removeprefix("#" if self.what == "number" else "")
            != self.wanted
        ):
            raise ValidationError(f"This is not the {self.what} of the account.")
        return typed

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("reason", "reserve", "version")}
