"""The bulk form of verify_email."""

from datetime import datetime
from typing import Any

from django.db.models import Q

from users.bulk.column_action import ColumnAction
from users.bulk.forms import BulkForm
from users.jobs.models import Job
from users.verbs.obstacles import obstacle_skips
from users.verbs.verification.page import VerificationForm
from users.verbs.verification.verb import VERIFICATION_OBSTACLES


class VerifyEmailForm(BulkForm, VerificationForm):
    version = None  # type: ignore[assignment]


class VerifyEmail(ColumnAction):
    name = "verify-email"
    label = "Verify address"
    action = "verify_email"
    event = "account.email_verified"
    question_format = "Verify addresses of {}?"
    slug = "verification"
    position = 120
    outcome_phrase = "verified"
    icon = "check"
    menu = "Address"
    explanation = "You confirm that each address belongs to the person of the account."
    form = VerifyEmailForm
    columns = ("email_verified_at",)
    undo_action = "verify_email"

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        return obstacle_skips(VERIFICATION_OBSTACLES, now)

    def changes(self, job: Job, now: datetime) -> dict[str, Any]:
        return {"email_verified_at": now}
