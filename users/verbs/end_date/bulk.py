"""The bulk form of set_end_date."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from users.bulk.column_action import ColumnAction
from users.bulk.condition_action import NOTHING_TO_DO
from users.bulk.forms import BulkForm
from users.database.clock import current_time
from users.jobs.models import Job
from users.verbs.end_date.page import EndDateForm
from users.verbs.end_date.verb import END_DATE_OBSTACLES
from users.web.time_html import full_time_text


class BulkEndDateForm(BulkForm, EndDateForm):
    def clean_until(self) -> datetime:
        until: datetime = self.cleaned_data["until"]
        if until <= current_time():
            self.add_error("until", "Choose a time in the future.")
        return until


class SetEndDate(ColumnAction):
    name = "set-end-date"
    label = "Set end date"
    action = "set_end_date"
    event = "account.end_date_set"
    obstacles = END_DATE_OBSTACLES
    question_format = "Set end date for {}?"
    slug = "end-date"
    position = 50
    outcome_phrase = "given this end date"
    icon = "calendar"
    menu = "Access"
    explanation = "The accounts expire at this time and all their sessions end. No emails are sent."
    form = BulkEndDateForm
    columns = ("valid_until",)
    can_disable_superusers = True
    undo_action = "set_end_date"

    def describe(self, job: Job, accounts: str) -> str:
        until = job_end_date(job)
        end = f" to {full_time_text(until)}" if until else ""
        return f"Set end date of {accounts}{end}"

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        until = job_end_date(job)
        skips = super().skips(job, now)
        if until is None:
            return skips
        if until <= now:
            everyone = Q(pk__gt=0)
            skips.append((everyone, "The end date passed before the job reached this account."))
        skips.append((Q(date_joined__gte=until), "The account was created after this date."))
        skips.append((Q(valid_until=until), NOTHING_TO_DO))
        return skips

    def changes(self, job: Job, now: datetime) -> dict[str, Any]:
        return {"valid_until": job_end_date(job)}


def job_end_date(job: Job) -> datetime | None:
    """Returns the end date of the job; None in a preview while nothing is typed."""
    until = job.parameters.get("until")
    return parse_datetime(until) if until else None
