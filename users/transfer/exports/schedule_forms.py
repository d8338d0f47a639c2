"""The form of a scheduled export."""

from typing import Any

from django import forms

from users import masking
from users.directory import preferences
from users.directory.saved_searches import visible_searches
from users.transfer.exports import formatting
from users.transfer.exports.action import FORMAT_NOTE, MASKED_NOTE, ExportForm
from users.transfer.models import ExportSchedule
from users.web.forms import TicketForm, reason_field

CONTENTS = (
    ("no", "All matching accounts"),
    ("yes", "Only accounts that changed since the last file"),
)


class ScheduleForm(TicketForm):
    """Takes the filter, the interval, the format and the purpose of a scheduled export."""

    view: forms.ModelChoiceField = forms.ModelChoiceField(
        queryset=None,
        required=False,
        empty_label="All accounts",
        label="Saved view",
        help_text="Only accounts that match its filter at the time of each export.",
    )
    interval = forms.ChoiceField(
        choices=ExportSchedule.Interval.choices,
        label="How often",
        help_text="The first export starts at once.",
    )
    changes_only = forms.ChoiceField(
        choices=CONTENTS,
        label="Contents",
        help_text="The first file always has all matching accounts.",
    )
    columns = ExportForm.base_fields["columns"]
    format = forms.ChoiceField(
        choices=list(formatting.ACCOUNT_FORMATS.items()),
        label="Format",
        help_text=FORMAT_NOTE,
    )
    separator = ExportForm.base_fields["separator"]
    bom = ExportForm.base_fields["bom"]
    reason = reason_field(label="Purpose", help_text="Visible in the audit trail.")

    def __init__(self, *args: Any, by: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["view"].queryset = visible_searches(by)  # type: ignore[attr-defined]
        self.initial.setdefault("columns", ["name", *preferences.preferred_columns(by)])
        if masking.hides_personal_data(by):
            self.fields["columns"].help_text = MASKED_NOTE

    def schedule_fields(self) -> dict[str, Any]:
        """Returns the cleaned values as `schedules.create_schedule` takes them."""
        typed = self.cleaned_data
        names = ("columns", "format", "separator", "bom")
        return {
            "view": typed["view"],
            "interval": typed["interval"],
            "changes_only": typed["changes_only"] == "yes",
            "reason": typed["reason"],
            "ticket": self.given_ticket,
            "parameters": {name: typed[name] for name in names if typed[name]},
        }
