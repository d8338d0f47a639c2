"""The bulk form of suspend_account."""

from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from users.bulk.column_action import ColumnAction
from users.bulk.forms import BulkForm
from users.jobs.models import Job
from users.models import State
from users.verbs.suspension.page import SuspensionForm
from users.verbs.suspension.verb import SUSPENSION_OBSTACLES
from users.web.time_html import full_time_text


class BulkSuspensionForm(BulkForm, SuspensionForm):
    notify = None  # type: ignore[assignment]


class Suspend(ColumnAction):
    name = "suspend"
    label = "Suspend"
    action = "suspend"
    event = "account.suspended"
    obstacles = SUSPENSION_OBSTACLES
    slug = "suspension"
    position = 10
    in_bar = True
    outcome_phrase = "suspended"
    icon = "suspend"
    dangerous = True
    explanation = (
        "No one can sign in to a suspended account, and its sessions end. No emails are sent."
    )
    form = BulkSuspensionForm
    columns = ("status", "status_reason", "suspended_until")
    can_disable_superusers = True
    ends_sessions = True
    undo_ends_sessions = True
    undo_action = "reinstate"

    def describe(self, job: Job, accounts: str) -> str:
        until = parse_datetime(job.parameters.get("until") or "")
        end = f" until {full_time_text(until)}" if until else ""
        return f"Suspend {accounts}{end}"

    def changes(self, job: Job, now: datetime) -> dict[str, Any]:
        until = job.parameters.get("until")
        return {
            "status": State.SUSPENDED,
            "status_reason": job.reason,
            "suspended_until": parse_datetime(until) if until else None,
        }
