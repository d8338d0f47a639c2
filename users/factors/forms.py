"""The form for a second factor: a code, or the answer of a passkey in a hidden field."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from users.factors.verification import verified_method
from users.models import User
from users.sessions.models import SignInMethod

ANSWER_MAX = 20_000  # characters
WRONG_CODE = "This code is wrong or was used before. Enter the one that your app shows now."
WRONG_PASSKEY = "This passkey was not accepted. Try again."
MISSING = "Enter a code."


class PasskeyField(forms.CharField):
    """The answer of the browser's WebAuthn, as JSON in a hidden field; None without one."""

    def __init__(self, **kwargs: Any):
        super().__init__(
            max_length=ANSWER_MAX,
            required=False,
            widget=forms.HiddenInput,
            **kwargs,
        )

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValidationError(WRONG_PASSKEY, code="wrong") from error
        # A text would be taken for a code.
        if not isinstance(answer, dict):
            raise ValidationError(WRONG_PASSKEY, code="wrong")
        return answer


def code_field(label: str = "Code") -> forms.CharField:
    attributes = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
    return forms.CharField(
        max_length=40,
        label=label,
        widget=forms.TextInput(attrs=attributes),
    )


class FactorForm(forms.Form):
    """Verifies a code or a passkey of the account. `method` says which it was."""

    code = code_field()
    credential = PasskeyField()
    method: SignInMethod | None = None

    def __init__(self, *args: Any, request: Any, account: User, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.request = request
        self.account = account
        code = self.fields["code"]
        # A passkey comes in its place.
        code.required = False
        code.conditional = True  # type: ignore[attr-defined]
        code.widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        passkey = cleaned.get("credential")
        given = passkey if passkey is not None else cleaned.get("code")
        if not given:
            self.add_error("code", ValidationError(MISSING, code="required"))
            return cleaned
        try:
            self.method = verified_method(self.request, self.account, given)
        except ValidationError as error:
            self.add_error("code", error)
            return cleaned
        if self.method is None:
            text = WRONG_CODE if passkey is None else WRONG_PASSKEY
            self.add_error("code", ValidationError(text, code="wrong"))
        return cleaned
