"""The forms on the pages of one's own second factors. The pages ask first who the viewer is
(users/sudo), as other sensitive pages do.
"""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from users.factors.forms import PasskeyField, code_field
from users.factors.totp import matching_period
from users.factors.verification import clean_code
from users.web.forms import TextField

PASSKEY_NAME_MAX = 60


class AppForm(forms.Form):
    """Sets up an authenticator app: its first code shows that it has the secret."""

    code = code_field("Code from the app")
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
    """Stores the passkey that the browser has made."""

    name = TextField(max_length=PASSKEY_NAME_MAX, help_text="For example the device that has it.")
    credential = PasskeyField()


class ConfirmationForm(forms.Form):
    """A form without fields, which confirms what its page says."""
