"""Forms that several verbs share."""

from typing import Any

from django import forms
from django.http import QueryDict

from users.models import User
from users.web.forms import TicketForm, VerbForm, reason_field

MISSING_ADDRESS = "This account has no address."


class NotifyingForm(VerbForm):
    """A form with a checkbox that sends the user an email about the change."""

    notify = forms.BooleanField(required=False, label="Notify the user")

    def fit(self, account: User, viewer: Any) -> None:
        notify = self.fields["notify"]
        notify.disabled = not account.email
        notify.help_text = self.notify_help(account) if account.email else MISSING_ADDRESS

    def notify_help(self, account: User) -> str:
        """Returns the help text of the checkbox, for an account with an address."""
        raise NotImplementedError


class ConfirmForm(VerbForm):
    """A form that only asks for confirmation."""

    @classmethod
    def start(cls, account: User, query: QueryDict) -> dict[str, Any]:
        return {"version": account.version}


class UnversionedReasonForm(TicketForm):
    """An optional reason, for changes that do not raise the version of the account."""

    reason = reason_field(required=False, help_text="Visible in the audit trail.")
