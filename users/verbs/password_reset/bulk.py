"""The bulk form of send_password_reset."""

from users.bulk.mail_action import MailAction
from users.mail.models import Message
from users.verbs.password_reset.verb import PASSWORD_RESET_OBSTACLES


class SendPasswordReset(MailAction):
    name = "send-password-reset"
    label = "Send password reset"
    action = "reset_password"
    question_format = "Send password reset to {}?"
    event = "account.password_reset_sent"
    obstacles = PASSWORD_RESET_OBSTACLES
    kind = Message.Kind.STAFF_RESET
    slug = "password-reset"
    position = 90
    outcome_phrase = "sent an email"
    menu = "Sign-in"
    explanation = (
        "Everyone gets an email with a link to choose a new password. "
        "The current password keeps working until then."
    )
