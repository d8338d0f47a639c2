"""Sets one field of the profile that many can share: what users.verbs.profile.verb.edit_profile does to one
account.
"""

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Q

from users.bulk.column_action import ColumnAction
from users.bulk.eligibility import NOTHING_TO_DO, gone_skips
from users.bulk.forms import BulkForm
from users.jobs.models import Job
from users.verbs.profile.page import OwnProfileForm
from users.web.forms import reason_field

SHARED_FIELDS = (
    "locale",
    "time_zone",
)  # the others are a person's own, and the keys of the search are made of them
SHARED_FIELD_LABELS = {name: str(OwnProfileForm.base_fields[name].label) for name in SHARED_FIELDS}


class SetAttributeForm(BulkForm):
    field = forms.ChoiceField(
        choices=[("", "Choose a field"), *SHARED_FIELD_LABELS.items()], label="Field"
    )
    value = forms.CharField(
        required=False,
        max_length=64,
        label="Value",
        help_text="For example pt-BR or Europe/Lisbon. Leave empty to clear the field.",
    )
    reason = reason_field(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if name := cleaned.get("field"):
            try:
                cleaned["value"] = OwnProfileForm.base_fields[name].clean(cleaned.get("value", ""))
            except forms.ValidationError as error:
                self.add_error("value", error)
        return cleaned


class SetAttribute(ColumnAction):
    name = "set-attribute"
    label = "Change language or time zone"
    action = "edit"
    event = "account.edited"
    asks = "Change language or time zone of {}?"
    noun = "attribute"
    position = 140
    past = "changed"
    icon = "edit"
    menu = "Profile"
    explains = "All accounts get the same language or time zone."
    form = SetAttributeForm
    columns = SHARED_FIELDS
    undo_action = "edit"

    def title(self, job: Job) -> str:
        return f"Set {SHARED_FIELD_LABELS[job.parameters['field']].lower()} to “{job.parameters['value']}”"

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        return [
            *gone_skips(),
            *([(Q(**self.changes(job, now)), NOTHING_TO_DO)] if job.parameters else []),
        ]

    def changes(self, job: Job, now: datetime) -> dict[str, Any]:
        return {job.parameters["field"]: job.parameters["value"]}
