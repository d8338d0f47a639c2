"""Unsubscribing from announcements by the link or the button of an email (RFC 8058).

The token of a link names the message and the account, and is signed. It holds no address, never
expires, and is valid as long as its SECRET_KEY is among the fallbacks.
"""

from typing import NamedTuple

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils.http import base36_to_int, int_to_base36

from users.audit.record import record_event
from users.database.clock import current_time
from users.mail.models import Message, Suppression
from users.mail.suppressions import suppress_address
from users.models import State, User

TOKEN_SALT = "users.mail.unsubscription"  # noqa: S105  no secret
# Separates the names from the signature, and may stand in any path.
SEPARATOR = "."
CONSENT_FIELD = "accepts_announcements"


class TokenNames(NamedTuple):
    """The message and the account that a token names."""

    message_id: int
    account_id: int


def unsubscribe_headers(message: Message) -> dict[str, str]:
    """Returns the headers from which mail programs make their button to unsubscribe.

    Other emails have none: an email from staff is written to one person or is about their account,
    and unsubscribing from announcements would not stop it.
    """
    if message.kind != Message.Kind.ANNOUNCEMENT:
        return {}
    url = unsubscribe_url(message)
    headers = {"List-Unsubscribe": f"<{url}>"}
    if url.startswith("https:"):
        # RFC 8058 allows one click with no other scheme.
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def unsubscribe_url(message: Message) -> str:
    """Returns the link of a stored message."""
    return settings.SITE_URL + reverse("unsubscribe", args=[make_token(message)])


def make_token(message: Message) -> str:
    names = f"{int_to_base36(message.pk)}-{int_to_base36(message.account_id)}"
    return token_signer().sign(names)


def read_token(token: str) -> TokenNames | None:
    """Returns what a token names, or None if it was not made by Rollcall."""
    try:
        message, account = token_signer().unsign(token).split("-")
        return TokenNames(base36_to_int(message), base36_to_int(account))
    except (signing.BadSignature, ValueError):
        return None


def token_signer() -> signing.Signer:
    """Returns the signer under the current SECRET_KEY, which accepts the fallbacks too."""
    return signing.Signer(salt=TOKEN_SALT, sep=SEPARATOR)


def unsubscribe_account(names: TokenNames) -> None:
    """Withdraws the consent of the account and suppresses the address that got the message. An
    account that is gone, and one that has unsubscribed already, change nothing.
    """
    with transaction.atomic():
        account = User.objects.select_for_update(of=("self",)).filter(pk=names.account_id).first()
        if account is None or account.status == State.ERASED:
            return
        withdraw_consent(account, "account.unsubscribed")
        message = Message.objects.filter(pk=names.message_id, account=account).first()
        if message:
            suppress_address(message.to, Suppression.Source.UNSUBSCRIBED)


def withdraw_consent(account: User, event: str, *, reason: str = "") -> bool:
    """Withdraws the consent of a locked account, with an event. Returns whether it had given it.

    The audit trail is the evidence of consent: when it was given, by whom, and when it ended.
    """
    if not account.accepts_announcements:
        return False
    account.accepts_announcements = False
    account.version += 1
    account.updated_at = current_time()
    account.save(update_fields=[CONSENT_FIELD, "version", "updated_at"])
    record_event(
        event,
        actor=None,
        target=account,
        before={CONSENT_FIELD: True},
        after={CONSENT_FIELD: False},
        reason=reason,
    )
    return True
