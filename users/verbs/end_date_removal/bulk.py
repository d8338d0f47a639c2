"""The bulk form of clear_end_date."""

from datetime import datetime
from typing import Any

from django.db.models import Q

from users.bulk.column_action import ColumnAction
from users.bulk.forms import BulkForm
from users.jobs.models import Job
from users.verbs.end_date_removal.verb import END_DATE_REMOVAL_OBSTACLES
from users.verbs.obstacles import obstacle_skips
from users.web.forms import OptionalReasonForm


class ClearEndDateForm(BulkForm, OptionalReasonForm):
    version = None  # type: ignore[assignment]


class ClearEndDate(ColumnAction):
    name = "clear-end-date"
    label = "Clear end date"
    action = "set_end_date"
    event = "account.end_date_cleared"
    question_format = "Clear end date of {}?"
    slug = "end-date-removal"
    position = 60
    outcome_phrase = "left without an end date"
    icon = "calendar"
    menu = "Access"
    explanation = "The accounts no longer expire. Expired accounts can be used again."
    form = ClearEndDateForm
    columns = ("valid_until",)
    undo_action = "set_end_date"

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        return obstacle_skips(END_DATE_REMOVAL_OBSTACLES, now)

    def changes(self, job: Job, now: datetime) -> dict[str, Any]:
        return {"valid_until": None}
