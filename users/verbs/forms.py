"""Forms of the pages that ask for a verb. Their values are what the verb takes; whether it may be
is for the verb to say.
"""

from typing import Any

from django import forms
from django.http import QueryDict

from users.models import User
from users.web.forms import VerbForm


class NotifyingForm(VerbForm):
    tell = forms.BooleanField(required=False, label="Notify the user")

    def fit(self, account: User, viewer: Any) -> None:
        tell = self.fields["tell"]
        tell.disabled = not account.email
        tell.help_text = self.says(account) if account.email else "This account has no address."

    def says(self, account: User) -> str:
        raise NotImplementedError


class ConfirmForm(VerbForm):
    """Asks only whether."""

    @classmethod
    def start(cls, account: User, query: QueryDict) -> dict[str, Any]:
        return {"version": account.version}
