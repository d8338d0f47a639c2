"""The bulk form of send_verification."""

from users.bulk.mail_action import MailAction
from users.mail.models import Message
from users.verbs.verification_email.verb import VERIFICATION_EMAIL_OBSTACLES


class SendVerification(MailAction):
    name = "send-verification"
    label = "Send verification email"
    action = "verify_email"
    question_format = "Send verification email to {}?"
    event = "account.verification_sent"
    obstacles = VERIFICATION_EMAIL_OBSTACLES
    kind = Message.Kind.VERIFICATION
    slug = "verification-mail"
    position = 110
    outcome_phrase = "sent an email"
    menu = "Address"
    explanation = "Everyone gets an email with a link to confirm the address."
