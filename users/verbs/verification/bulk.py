"""The bulk form of verify_email."""

from datetime import datetime
from typing import Any

from django.db.models import Q

from users.bulk.column_action import ColumnAction
from users.bulk.condition_action import deleted_skips
from users.bulk.forms import BulkForm
from users.jobs.models import Job
from users.verbs.verification.page import VerificationForm


class VerifyEmailForm(BulkForm, VerificationForm):
    version = None  # type: ignore[assignment]


class VerifyEmail(ColumnAction):
    name = "verify-email"
    label = "Verify address"
    action = "verify_email"
    event = "account.email_verified"
    question_format = "Verify addresses of {}?"
    noun = "verification"
    position = 120
    outcome_phrase = "verified"
    icon = "check"
    menu = "Address"
    explanation = "You confirm that each address belongs to the person of the account."
    form = VerifyEmailForm
    columns = ("email_verified_at",)
    undo_action = "verify_email"

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        return [*deleted_skips(), *unverified_skips()]

    def changes(self, job: Job, now: datetime) -> dict[str, Any]:
        return {"email_verified_at": now}


def unverified_skips() -> list[tuple[Q, str]]:
    """Returns the refusals of users.verbs.verification.verb.require_unverified as skips."""
    return [
        (Q(email=""), "This account has no address."),
        (Q(email_verified_at__isnull=False), "This address is already verified."),
    ]
