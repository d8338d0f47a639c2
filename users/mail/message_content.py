"""Composes emails: subject, templates and link of each kind, and when one is no longer sent."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator, default_token_generator
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import int_to_base36

from users.mail import letter_text
from users.mail.models import Message
from users.mail.verification_tokens import verification_tokens
from users.models import State, User

KIND = Message.Kind
SUBJECTS = {
    KIND.INVITATION: "Your invitation to Rollcall",
    KIND.PASSWORD_RESET: "Choose a new password for Rollcall",
    KIND.SUSPENDED: "Your account is suspended",
    KIND.REINSTATED: "Your account is active again",
    KIND.VERIFICATION: "Confirm your email address",
}
LIVING_STATES = (State.INVITED, State.ACTIVE, State.SUSPENDED, State.ENDED)
# The state that an account must be in for the mail to be true.
REQUIRED_STATES = {KIND.INVITATION: State.INVITED, KIND.SUSPENDED: State.SUSPENDED}


def drop_reason(message: Message) -> str:
    """Why this message should not be sent any more, or ""."""
    if message.kind == KIND.LETTER:
        return letter_drop_reason(message)
    account = message.account
    fits = REQUIRED_STATES.get(KIND(message.kind), State.ACTIVE)
    if account.email != message.to:
        return "The account’s email address has changed."
    if account.state != fits:
        return f"The account is {account.state.label.lower()}" + (
            "." if fits == State.ACTIVE else f", no longer {fits}."
        )
    if message.kind == KIND.VERIFICATION and account.email_verified_at:
        return "The email address is already verified."
    return ""


def letter_drop_reason(message: Message) -> str:
    """It goes to whoever is there, in whatever state; but to no address that may be somebody else's
    by now.
    """
    account = message.account
    if message.letter is None or not message.letter.text:
        return "The text of this email was deleted."
    if account.email != message.to:
        return "The account’s email address has changed."
    if account.state not in LIVING_STATES:
        return f"The account is {account.state.label.lower()}."
    return "" if account.email_verified_at else "The email address is no longer verified."


def compose_mail(message: Message) -> EmailMultiAlternatives:
    """The mail itself. Its link is made here, at the last moment, and stored nowhere."""
    context: dict[str, Any] = {
        "account": message.account,
        "link": settings.SITE_URL + link_path(message),
        "until": local_time_text(message.account.suspended_until, message.account),
        "site_url": settings.SITE_URL,
        "days": settings.PASSWORD_RESET_TIMEOUT // 86400,
        "subject": mail_subject(message),
        "text": letter_text.fill_placeholders(message.letter.text, message.account)
        if message.letter
        else "",
        "answers": settings.MAIL_REPLY_TO if message.letter else "",
    }
    mail = EmailMultiAlternatives(
        subject=context["subject"],
        body=render_to_string(f"users/mail/{message.kind}.txt", context),
        to=[message.to],
        reply_to=[settings.MAIL_REPLY_TO] if message.letter and settings.MAIL_REPLY_TO else None,
        headers={
            # the same at every attempt
            "Message-ID": f"<{message.message_id}@{settings.SITE_PARTS.hostname}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    mail.attach_alternative(
        render_to_string(f"users/mail/{message.kind}.html", context), "text/html"
    )
    return mail


def mail_subject(message: Message) -> str:
    return (
        letter_text.fill_subject(message.letter.subject, message.account)
        if message.letter
        else SUBJECTS[KIND(message.kind)]
    )


def link_path(message: Message) -> str:
    """Where the mail's link leads. What a link of ours opens, it opens once and for
    PASSWORD_RESET_TIMEOUT seconds.
    """
    if message.kind in (KIND.INVITATION, KIND.PASSWORD_RESET):
        return token_path(
            "account_reset_password_from_key", message.account, default_token_generator
        )
    if message.kind == KIND.VERIFICATION:
        return token_path("email-confirmation", message.account, verification_tokens)
    return reverse("account_login")


def token_path(name: str, account: User, keys: PasswordResetTokenGenerator) -> str:
    return reverse(
        name, kwargs={"uidb36": int_to_base36(account.pk), "key": keys.make_token(account)}
    )


def local_time_text(at: datetime | None, account: User) -> str:
    """In the time zone of the account, which is named; "" for None."""
    if at is None:
        return ""
    try:
        at = at.astimezone(ZoneInfo(account.time_zone or "UTC"))
    except (
        KeyError,
        ValueError,
        OSError,
        OverflowError,
    ):  # a name that this machine does not know; a day that has no next
        at = at.astimezone(ZoneInfo("UTC"))
    return f"{at:%-d %B %Y, %H:%M} ({at.tzinfo})"
