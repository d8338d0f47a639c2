"""The bulk form of clear_end_date."""

from datetime import datetime
from typing import Any

from users.bulk.column_action import ColumnAction
from users.bulk.forms import BulkReasonForm
from users.jobs.models import Job
from users.verbs.end_date_removal.verb import END_DATE_REMOVAL_OBSTACLES


class ClearEndDate(ColumnAction):
    name = "clear-end-date"
    label = "Clear end date"
    action = "set_end_date"
    event = "account.end_date_cleared"
    obstacles = END_DATE_REMOVAL_OBSTACLES
    question_format = "Clear end date of {}?"
    slug = "end-date-removal"
    position = 60
    outcome_phrase = "left without an end date"
    icon = "calendar"
    menu = "Access"
    explanation = "The accounts no longer expire. Expired accounts can be used again."
    form = BulkReasonForm
    columns = ("valid_until",)
    undo_action = "set_end_date"

    def changes(self, job: Job, now: datetime) -> dict[str, Any]:
        return {"valid_until": None}
