"""The form of a bulk action: the fields of the action, and the number of accounts, which is typed
to confirm.
"""

from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from users.web.forms import REASON_HELP, REASON_HELP_MANY, OptionalReasonForm, TicketForm

CONFIRMATION_FIELDS = ("count", "token")
# The fields that the job stores in columns of their own.
JOB_COLUMNS = ("reason", "ticket")


class CountField(forms.IntegerField):
    """A number with or without thousands separators: 1,234 is 1234."""

    def to_python(self, value: Any) -> int | None:
        if isinstance(value, str):
            value = value.replace(",", "").replace(" ", "")
        return super().to_python(value)


class BulkForm(TicketForm):
    """`count` and `token` confirm the selection. The other fields, except `reason` and `ticket`,
    become parameters of the job.
    """

    # Many accounts have no common version, as the form of a verb has.
    version: Any = None
    count = CountField(
        min_value=1,
        label="Number of accounts",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    token = forms.CharField(
        required=False,
        max_length=8000,
        widget=forms.HiddenInput,
    )

    def __init__(self, *args: Any, by: Any, **kwargs: Any):
        """Subclasses only offer what `by` may choose."""
        super().__init__(*args, **kwargs)
        self.by = by
        reason = self.fields.get("reason")
        if reason and reason.help_text == REASON_HELP:
            reason.help_text = REASON_HELP_MANY
        # The fields of the confirmation come last.
        self.order_fields([name for name in self.fields if name not in CONFIRMATION_FIELDS])

    @property
    def given_reason(self) -> str:
        """Returns the reason; "" if there is none or the form was not validated yet."""
        return str(getattr(self, "cleaned_data", {}).get("reason", "")).strip()

    def parameters(self) -> dict[str, Any]:
        """Returns the cleaned values of the job's parameters."""
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in CONFIRMATION_FIELDS + JOB_COLUMNS
        }

    @property
    def action_fields(self) -> list[forms.BoundField]:
        """Returns the fields of the action, without those of the confirmation."""
        return [self[name] for name in self.fields if name not in CONFIRMATION_FIELDS]

    def add_stale_error(self, change: str) -> None:
        """Adds the error of a confirmation that no longer holds because of `change`, a sentence."""
        text = f"{change} Nothing has been changed. Check the figures and type the number again."
        self.add_error(None, ValidationError(text, code="stale"))

    def is_valid_without_count(self) -> bool:
        """Drops the error of the number, which is typed last, and returns True if no other is
        left.
        """
        self.errors.pop("count", None)
        return not self.errors

    def set_token(self, token: str) -> None:
        """Puts the token of a new confirmation into the form. What was typed stays, except a number
        that belonged to an outdated confirmation.
        """
        if not self.is_bound:
            self.initial["token"] = token
            return
        data = cast(QueryDict, self.data).copy()
        data["token"] = token
        if self.has_error("__all__", "stale"):
            data["count"] = ""
        self.data = data


class BulkReasonForm(BulkForm, OptionalReasonForm):
    """The form of an action that takes nothing but a reason."""
