"""The forms on the pages of one's own second factors."""

from typing import Any

from allauth.account.adapter import get_adapter
from django import forms
from django.core.exceptions import ValidationError

from users.factors.forms import PasskeyField, code_field
from users.factors.totp import matching_period
from users.factors.verification import clean_code, verify_factor
from users.models import User
from users.sessions.local_sign_in import must_use_provider
from users.sessions.own_password import check_own_password
from users.sudo.recent import require_recent
from users.web.forms import TextField

CODE_LENGTHS = (6, 8)
PASSKEY_NAME_MAX = 60


class ProofForm(forms.Form):
    """Asks for the password, or for a code if the account has a second factor."""

    password = forms.CharField(
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, request: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.request = request
        self.account: User = request.user
        if must_use_provider(self.account):
            # They confirm who they are at the provider.
            require_recent(request)
            del self.fields["password"]
        elif self.account.has_second_factor:
            proof = self.fields["password"]
            proof.label = "Password or code"
            proof.help_text = "Enter your password, a code from your app, or a recovery code."

    def clean(self) -> dict[str, Any]:
        """Checks the proof last, so that other mistakes do not use up a code."""
        cleaned = super().clean() or {}
        if not self.errors and "password" in self.fields:
            try:
                self.check_proof(cleaned["password"])
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned

    def check_proof(self, typed: str) -> None:
        """Raises ValidationError unless this is the password or a code of the account."""
        if self.account.has_second_factor and is_code(typed):
            is_right = verify_factor(self.request, self.account, typed)
        else:
            is_right = check_own_password(self.request, self.account, typed)
        if not is_right and self.account.has_second_factor:
            raise ValidationError("This is neither your password nor a valid code.", code="wrong")
        if not is_right:
            raise get_adapter().validation_error("enter_current_password")


class AppForm(ProofForm):
    """Sets up an authenticator app: its first code shows that it has the secret."""

    code = code_field("Code from the app")
    field_order = ("code", "password")
    # The period of the code.
    period = 0

    def __init__(self, *args: Any, secret: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.secret = secret

    def clean_code(self) -> str:
        code = clean_code(self.cleaned_data["code"])
        period = matching_period(self.secret, code)
        if period is None:
            text = "This code is wrong. Enter the one that the app shows now."
            raise ValidationError(text, code="wrong")
        self.period = period
        return code


class NewPasskeyForm(forms.Form):
    """Stores the passkey that the browser has made, after a ProofForm gave the options for it."""

    name = TextField(max_length=PASSKEY_NAME_MAX, help_text="For example the device that has it.")
    credential = PasskeyField()


def is_code(typed: str) -> bool:
    code = clean_code(typed)
    return code.isdecimal() and len(code) in CODE_LENGTHS
