"""The forms for signing in and for choosing a password."""

from typing import Any, ClassVar

from allauth.account import forms
from allauth.account.adapter import get_adapter
from django.core.validators import MaxLengthValidator

from users.email_addresses import identifier_key, normalise_email
from users.models import State, User
from users.sessions.local_sign_in import may_reset_password
from users.sessions.own_password import check_own_password
from users.signin.password_rules import password_help

PASSWORD_MAX = 4096  # characters


class LoginForm(forms.LoginForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        login = self.fields["login"]
        login.label = "Username or email"
        login.widget.attrs = {
            "autocomplete": "username",
            "autofocus": True,
            "maxlength": 254,
            "autocapitalize": "none",
        }
        password = self.fields["password"]
        password.widget.attrs = {"autocomplete": "current-password", "maxlength": PASSWORD_MAX}
        password.validators.append(MaxLengthValidator(PASSWORD_MAX))
        password.help_text = ""

    def clean_login(self) -> str:
        """Returns the login in the form in which identifiers are stored.

        A login with NUL, which PostgreSQL refuses, is left to allauth.
        """
        login = self.cleaned_data["login"]
        if "\x00" in login:
            return super().clean_login()
        return identifier_key(login)


class LabelsMixin:
    """Replaces labels of allauth's forms and removes their placeholders."""

    labels: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():  # type: ignore[attr-defined]
            field.label = self.labels.get(name, field.label)
            field.widget.attrs.pop("placeholder", None)


class NewPasswordMixin(LabelsMixin):
    """Shows one help text for the account below the new password, not one for each validator."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = password_help(self.user)  # type: ignore[attr-defined]


class ChangePasswordForm(NewPasswordMixin, forms.ChangePasswordForm):
    labels: ClassVar = {
        "oldpassword": "Current password",
        "password1": "New password",
        "password2": "Confirm password",
    }

    def clean_oldpassword(self) -> str:
        """Returns the current password. Wrong ones count as at sign-in."""
        adapter = get_adapter()
        typed: str = self.cleaned_data["oldpassword"]
        if not check_own_password(adapter.request, self.user, typed):
            raise adapter.validation_error("enter_current_password")
        return typed


class ChoosePasswordForm(NewPasswordMixin, forms.ResetPasswordKeyForm):
    labels: ClassVar = {"password1": "Password", "password2": "Confirm password"}


class AskPasswordForm(LabelsMixin, forms.ResetPasswordForm):
    """Accepts any address. Whether an account has it is looked up after the response."""

    labels: ClassVar = {"email": "Email"}

    def clean_email(self) -> str:
        return normalise_email(self.cleaned_data["email"])

    def save(self, request: Any, **kwargs: Any) -> str:
        """Returns the address, and sends nothing: PasswordResetView does it later."""
        return str(self.cleaned_data["email"])


def may_choose_password(account: User) -> bool:
    """Returns whether a link in an email may lead to a new password: those who accept an invitation
    may always choose one.
    """
    if account.state == State.INVITED:
        return True
    return account.state == State.ACTIVE and may_reset_password(account)


class LinkForm(forms.UserTokenForm):
    """Validates the link of an email, which works only for active and invited accounts."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.reset_user and not may_choose_password(self.reset_user):
            raise get_adapter().validation_error("invalid_password_reset")
        return cleaned
