"""The bulk form of send_letter. All accounts of a job share one letter."""

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from users.bulk.forms import BulkForm
from users.bulk.mail_action import MailAction
from users.jobs.models import Job
from users.mail.models import Letter, Message
from users.models import User
from users.verbs.letter.page import LetterForm
from users.verbs.letter.verb import LETTER_OBSTACLES

ALREADY_WRITTEN = "This email was already sent to this user."


class BulkLetterForm(BulkForm, LetterForm):
    """The form of the verb, for many accounts."""


class WriteLetter(MailAction):
    name = "write"
    label = "Send email"
    action = "write"
    event = "account.written_to"
    obstacles = LETTER_OBSTACLES
    question_format = "Send email to {}?"
    kind = Message.Kind.LETTER
    slug = "letter"
    position = 30
    outcome_phrase = "sent an email"
    icon = "edit"
    explanation = "Everyone gets a separate email. Individual emails are sent before bulk ones."
    form = BulkLetterForm
    has_sample = True

    def started(self, job: Job) -> None:
        """Moves the text to a row of its own, which a retry of failed accounts shares."""
        if "letter" not in job.parameters:
            letter = Letter.objects.create(is_bulk=True, **job.parameters)
            job.parameters = {"letter": letter.pk}
            job.save(update_fields=["parameters"])

    def facts(self, job: Job) -> list[tuple[str, str]]:
        letter = Letter.objects.filter(pk=job.parameters.get("letter")).first()
        if letter is None:
            return []
        return [("Subject", letter.subject), ("Text", letter.text or "removed")]

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        sent = Message.objects.filter(
            letter_id=job.parameters.get("letter", 0), account_id=OuterRef("pk")
        )
        return [*super().skips(job, now), (Q(Exists(sent)), ALREADY_WRITTEN)]

    def sample_account(self, accounts: list[User]) -> User:
        """Prefers an account to which the letter is sent."""
        for account in accounts:
            if account.email and account.email_verified_at:
                return account
        return accounts[0]

    def message_fields(self, job: Job) -> dict[str, Any]:
        return {"letter_id": job.parameters["letter"]}

    def event_details(self, job: Job) -> dict[str, Any]:
        return {"letter": job.parameters["letter"]}
