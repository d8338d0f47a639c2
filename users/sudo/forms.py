"""The form in which people confirm who they are."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from users.factors.forms import code_field
from users.sessions.own_password import check_own_password

WRONG_PASSWORD = "Wrong password. Try again."  # noqa: S105  a message


class SudoForm(forms.Form):
    """The password of the viewer. Wrong ones count as at sign-in."""

    password = forms.CharField(
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(
            attrs={"autocomplete": "current-password", "autofocus": True},
        ),
    )

    def __init__(self, *args: Any, request: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_password(self) -> str:
        typed: str = self.cleaned_data["password"]
        if not check_own_password(self.request, self.request.user, typed):
            raise ValidationError(WRONG_PASSWORD, code="wrong")
        return typed


class SudoCodeForm(forms.Form):
    """A code of the viewer's authenticator app."""

    code = code_field("Code from your app")
