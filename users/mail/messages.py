"""What each kind of mail says: its subject, its templates, and whether it still makes sense to send it."""

from typing import Any

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import int_to_base36

from users.mail.models import Message
from users.models import State, User

SUBJECTS = {
    Message.Kind.INVITATION: "Your invitation to Rollcall",
    Message.Kind.PASSWORD_RESET: "Choose a new password for Rollcall",
}


def moot(message: Message) -> str:
    """Why this message should not be sent any more, or ""."""
    account = message.account
    if account.email != message.to:
        return "The account has another address by now."
    if message.kind == Message.Kind.INVITATION:
        return "" if account.state == State.INVITED else f"The account is {account.state.label.lower()}, no longer invited."
    return "" if account.is_active else f"The account is {account.state.label.lower()}."


def compose(message: Message) -> EmailMultiAlternatives:
    """The mail itself. Its link is made here, at the last moment, and stored nowhere."""
    context: dict[str, Any] = {
        "account": message.account,
        "link": settings.SITE_URL + password_path(message.account),
        "site_url": settings.SITE_URL,
        "days": settings.PASSWORD_RESET_TIMEOUT // 86400,
        "subject": SUBJECTS[Message.Kind(message.kind)],
    }
    mail = EmailMultiAlternatives(
        subject=context["subject"],
        body=render_to_string(f"users/mail/{message.kind}.txt", context),
        to=[message.to],
        headers={
            "Message-ID": f"<{message.message_id}@{settings.SITE_PARTS.hostname}>",  # the same at every attempt
            "Auto-Submitted": "auto-generated",
        },
    )
    mail.attach_alternative(render_to_string(f"users/mail/{message.kind}.html", context), "text/html")
    return mail


def password_path(account: User) -> str:
    """The path at which the account's owner chooses a password; valid once and for PASSWORD_RESET_TIMEOUT seconds."""
    key = default_token_generator.make_token(account)
    return reverse("account_reset_password_from_key", kwargs={"uidb36": int_to_base36(account.pk), "key": key})
