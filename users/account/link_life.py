"""How long the links in emails work, and whether they were used.

Tokens are not stored. A link that lets somebody choose a password works for PASSWORD_RESET_TIMEOUT
after it was sent, until a password is chosen, until the next sign-in, and for one address.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from users.database.clock import current_time
from users.email_addresses import email_key
from users.mail.models import Message
from users.models import User
from users.sessions.models import SignInEvent, SignInOutcome

PASSWORD_LINKS = {
    Message.Kind.INVITATION,
    Message.Kind.PASSWORD_RESET,
    Message.Kind.STAFF_RESET,
}
# Sign-in events that are searched for the use of a link.
MAX_SIGN_INS = 500


@dataclass(frozen=True)
class LinkLife:
    """The state of a link in words: a time follows them, or they are a sentence without one."""

    text: str
    at: datetime | None = None


def set_link_lives(account: User, messages: list[Message]) -> None:
    """Sets `link` of each message: its LinkLife, or None without a link."""
    uses = link_uses(account, messages)
    for message in messages:
        message.link = None  # type: ignore[attr-defined]
        if message.sent_at and message.kind in PASSWORD_LINKS:
            message.link = password_link(account, message, uses)  # type: ignore[attr-defined]
        elif message.sent_at and message.kind == Message.Kind.VERIFICATION:
            message.link = verification_link(account, message)  # type: ignore[attr-defined]


def link_uses(account: User, messages: list[Message]) -> dict[int, datetime]:
    """Returns when each password was chosen by a link, by the id of the newest message before. Only
    the newest MAX_SIGN_INS attempts to sign in are read.
    """
    links = [each for each in messages if each.sent_at and each.kind in PASSWORD_LINKS]
    if not links:
        return {}
    newest = SignInEvent.objects.filter(account_id=account.pk).order_by("-pk")
    found = newest.values_list("outcome", "at")[:MAX_SIGN_INS]
    chosen = sorted(at for outcome, at in found if outcome == SignInOutcome.PASSWORD_CHOSEN)
    uses = {}
    for at in reversed(chosen):
        before = [each for each in links if sent_time(each) <= at <= expiry(each)]
        if before:
            uses[max(before, key=sent_time).pk] = at
    return uses


def sent_time(message: Message) -> datetime:
    """Returns when the link of a message was made; before it is sent there is none."""
    return message.sent_at or message.created_at


def expiry(message: Message) -> datetime:
    """Returns when the link of a message expires."""
    return sent_time(message) + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)


def password_link(account: User, message: Message, uses: dict[int, datetime]) -> LinkLife:
    if used := uses.get(message.pk):
        return LinkLife("Link used", used)
    if ended := ended_link(account, message):
        return ended
    sent_at = sent_time(message)
    if later := [at for at in uses.values() if at >= sent_at]:
        return LinkLife("Another link was used", min(later))
    if account.last_login and account.last_login > sent_at:
        return LinkLife("Link stopped working at the sign-in", account.last_login)
    return LinkLife("Link expires", expiry(message))


def verification_link(account: User, message: Message) -> LinkLife:
    verified = account.email_verified_at
    is_same = email_key(account.email) == email_key(message.to)
    if is_same and verified and verified >= sent_time(message):
        return LinkLife("Address verified", verified)
    return ended_link(account, message) or LinkLife("Link expires", expiry(message))


def ended_link(account: User, message: Message) -> LinkLife | None:
    """Returns why a link that was not used has ended by itself; None if it has not."""
    if email_key(account.email) != email_key(message.to):
        return LinkLife("The link no longer works: the address has changed.")
    ends = expiry(message)
    return LinkLife("Link expired", ends) if ends <= current_time() else None
