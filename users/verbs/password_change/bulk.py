"""The bulk form of require_password_change."""

from datetime import datetime
from typing import Any

from users.bulk.column_action import ColumnAction
from users.bulk.forms import BulkReasonForm
from users.jobs.models import Job
from users.verbs.password_change.verb import PASSWORD_CHANGE_OBSTACLES


class RequirePasswordChange(ColumnAction):
    name = "require-password-change"
    label = "Require password change"
    action = "require_password_change"
    question_format = "Require password change for {}?"
    event = "account.password_change_required"
    obstacles = PASSWORD_CHANGE_OBSTACLES
    slug = "password-change"
    position = 100
    outcome_phrase = "required to change their password"
    icon = "key"
    menu = "Sign-in"
    explanation = "A new password must be chosen at the next sign-in. Current sessions stay open."
    form = BulkReasonForm
    columns = ("must_change_password",)
    undo_action = "require_password_change"

    def changes(self, job: Job, now: datetime) -> dict[str, Any]:
        return {"must_change_password": True}
