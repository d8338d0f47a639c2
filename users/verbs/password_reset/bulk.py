""""""

from datetime import datetime

from django.db.models import Q

from users.bulk.eligibility import gone_skips
from users.bulk.mail_action import SendMail
from users.jobs.models import Job
from users.mail.models import Message
from users.models import State


class SendPasswordReset(SendMail):
    name = "send-password-reset"
    label = "Send a password reset"
    action = "reset_password"
    asks = "Send a password reset to {}?"
    event = "account.password_reset_sent"
    kind = Message.Kind.PASSWORD_RESET
    noun = "password-reset"
    past = "sent a mail"
    menu = "Sign-in"
    explains = "Each gets a mail with a link to choose a new password. The one that they have works until then."

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        why = "This account is invited and has no password yet. Send the invitation again instead."
        return [*gone_skips(), (Q(status=State.INVITED), why), *self.unsendable(now)]
