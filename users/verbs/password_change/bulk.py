"""The bulk form of require_password_change."""

from datetime import datetime
from typing import Any

from django.db.models import Q

from users.bulk.column_action import ColumnAction
from users.bulk.forms import BulkForm
from users.jobs.models import Job
from users.verbs.obstacles import obstacle_skips
from users.verbs.password_change.verb import PASSWORD_CHANGE_OBSTACLES
from users.web.forms import OptionalReasonForm


class PasswordChangeForm(BulkForm, OptionalReasonForm):
    version = None  # type: ignore[assignment]


class RequirePasswordChange(ColumnAction):
    name = "require-password-change"
    label = "Require password change"
    action = "require_password_change"
    question_format = "Require password change for {}?"
    event = "account.password_change_required"
    slug = "password-change"
    position = 100
    outcome_phrase = "required to change their password"
    icon = "key"
    menu = "Sign-in"
    explanation = "A new password must be chosen at the next sign-in. Current sessions stay open."
    form = PasswordChangeForm
    columns = ("must_change_password",)
    undo_action = "require_password_change"

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        return obstacle_skips(PASSWORD_CHANGE_OBSTACLES, now)

    def changes(self, job: Job, now: datetime) -> dict[str, Any]:
        return {"must_change_password": True}
