"""The bulk form of edit_profile. It sets one of the fields that many accounts can share."""

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Q

from users.bulk.column_action import ColumnAction
from users.bulk.condition_action import NOTHING_TO_DO
from users.bulk.forms import BulkForm
from users.fields import ACCOUNT_FIELDS, FIELDS, label_in_text
from users.identifiers import flag_text
from users.jobs.models import Job
from users.verbs.obstacles import DELETED_OBSTACLES
from users.verbs.profile.page import form_field
from users.web.forms import reason_field


def choices_text(words: list[str]) -> str:
    """Returns words such as "language, time zone or announcements"."""
    return f"{', '.join(words[:-1])} or {words[-1]}"


# The other fields are personal, and the search key depends on some of them.
SHARED_FIELDS = tuple(field.name for field in ACCOUNT_FIELDS if field.bulk_example)
SHARED_FIELD_LABELS = {name: FIELDS[name].label for name in SHARED_FIELDS}
ANY_LABEL = choices_text([label_in_text(name) for name in SHARED_FIELDS])
EXAMPLES = choices_text([FIELDS[name].bulk_example for name in SHARED_FIELDS])


class SetAttributeForm(BulkForm):
    """Asks for a field and its new value for all accounts."""

    field = forms.ChoiceField(
        choices=[("", "Choose a field"), *SHARED_FIELD_LABELS.items()],
        label="Field",
    )
    value = forms.CharField(
        required=False,
        max_length=max(FIELDS[name].max_length or 0 for name in SHARED_FIELDS),
        label="Value",
        help_text=f"For example {EXAMPLES}. Leave empty to clear the field.",
    )
    reason = reason_field(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if name := cleaned.get("field"):
            try:
                cleaned["value"] = form_field(name).clean(cleaned.get("value", ""))
            except forms.ValidationError as error:
                self.add_error("value", error)
        return cleaned


class SetAttribute(ColumnAction):
    """Gives all accounts one value in one of SHARED_FIELDS."""

    name = "set-attribute"
    label = f"Change {ANY_LABEL}"
    action = "edit"
    event = "account.edited"
    obstacles = DELETED_OBSTACLES
    question_format = f"Change {ANY_LABEL} of {{}}?"
    slug = "attribute"
    position = 140
    outcome_phrase = "changed"
    icon = "edit"
    menu = "Profile"
    explanation = f"All accounts get the same {ANY_LABEL}."
    form = SetAttributeForm
    columns = SHARED_FIELDS
    undo_action = "edit"

    def describe(self, job: Job, accounts: str) -> str:
        label = label_in_text(job.parameters["field"])
        value = job.parameters["value"]
        shown = flag_text(value) if isinstance(value, bool) else value
        return f"Set {label} of {accounts} to “{shown}”"

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        skips = super().skips(job, now)
        if job.parameters:
            skips.append((Q(**self.changes(job, now)), NOTHING_TO_DO))
        return skips

    def changes(self, job: Job, now: datetime) -> dict[str, Any]:
        return {job.parameters["field"]: job.parameters["value"]}
