"""The bulk form of send_verification."""

from datetime import datetime

from django.db.models import Q

from users.bulk.mail_action import MailAction
from users.jobs.models import Job
from users.mail.models import Message
from users.verbs.obstacles import obstacle_skips
from users.verbs.verification_email.verb import VERIFICATION_EMAIL_OBSTACLES


class SendVerification(MailAction):
    name = "send-verification"
    label = "Send verification email"
    action = "verify_email"
    question_format = "Send verification email to {}?"
    event = "account.verification_sent"
    kind = Message.Kind.VERIFICATION
    slug = "verification-mail"
    position = 110
    outcome_phrase = "sent an email"
    menu = "Address"
    explanation = "Everyone gets an email with a link to confirm the address."

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        return obstacle_skips(VERIFICATION_EMAIL_OBSTACLES, now)
