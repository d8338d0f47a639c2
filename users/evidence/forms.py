"""The form of an export of audit events."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator

from users import masking
from users.evidence.bundle import EVENT_FORMATS
from users.transfer.exports.action import MASKED_NOTE
from users.transfer.exports.formatting import EXPORT_FORMATS
from users.web.forms import TicketForm, reason_field

GUARD_NOTE = "In CSV files, values that begin with =, +, - or @ get an apostrophe in front."
BUNDLE_NOTE = "An evidence bundle lets others verify the events without Rollcall."


class EventExportForm(TicketForm):
    """`key` identifies the request, so that a double click starts one job."""

    format = forms.ChoiceField(
        choices=list(EVENT_FORMATS.items()),
        label="Format",
        help_text=f"{GUARD_NOTE} {BUNDLE_NOTE}",
    )
    reason = reason_field(label="Purpose", help_text="Visible in the audit trail.")
    key = forms.CharField(
        max_length=64,
        widget=forms.HiddenInput,
        validators=[RegexValidator("^[A-Za-z0-9_-]+$")],
    )

    def __init__(self, *args: Any, by: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if masking.hides_personal_data(by):
            # A proof needs the values as they were sealed.
            self.fields["format"] = forms.ChoiceField(
                choices=list(EXPORT_FORMATS.items()),
                label="Format",
                help_text=f"{MASKED_NOTE} {GUARD_NOTE}",
            )
