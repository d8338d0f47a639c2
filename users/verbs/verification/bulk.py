"""The bulk form of verify_email."""

from datetime import datetime
from typing import Any

from users.bulk.column_action import ColumnAction
from users.bulk.forms import BulkForm
from users.jobs.models import Job
from users.verbs.verification.page import VerificationForm
from users.verbs.verification.verb import VERIFICATION_OBSTACLES


class VerifyEmailForm(BulkForm, VerificationForm):
    """The form of the verb, for many accounts."""


class VerifyEmail(ColumnAction):
    name = "verify-email"
    label = "Verify address"
    action = "verify_email"
    event = "account.email_verified"
    obstacles = VERIFICATION_OBSTACLES
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

    def changes(self, job: Job, now: datetime) -> dict[str, Any]:
        return {"email_verified_at": now}
