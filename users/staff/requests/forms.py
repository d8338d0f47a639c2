"""The forms of requests for roles."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group

from users.web.forms import TicketForm, reason_field

DAYS_MAX = 365
DAYS = 7


class RoleRequestForm(TicketForm):
    group = forms.ModelChoiceField(
        Group.objects.none(),
        label="Role",
        empty_label=None,
    )
    days = forms.IntegerField(
        min_value=1,
        max_value=DAYS_MAX,
        initial=DAYS,
        label="Days",
        help_text="The role is removed this many days after approval.",
    )
    reason = reason_field(help_text="Visible to those who decide, and in the audit trail.")

    def __init__(self, *args: Any, offered: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["group"].queryset = offered  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("group", "days", "reason")}


class DecisionForm(TicketForm):
    reason = reason_field(
        required=False,
        label="Answer",
        help_text="Visible to the requester, and in the audit trail.",
    )


class CancellationForm(forms.Form):
    """A form without fields: only errors of the cancellation."""
