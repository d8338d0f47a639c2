"""Composes emails of each kind, and decides which are obsolete when they are due."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.mail import EmailMultiAlternatives
from django.db.models import Q
from django.urls import reverse
from django.utils.http import int_to_base36

from users.account_state import NOT_DELETED_STATES
from users.audit.models import AuditEvent
from users.email_addresses import email_key, smtp_address
from users.mail import letter_text
from users.mail.models import Message
from users.mail.rendering import RenderedMail, render_letter, render_mail
from users.mail.suppressions import suppression_reason
from users.mail.unsubscription import unsubscribe_headers, unsubscribe_url
from users.mail.verification_tokens import reset_tokens, verification_tokens
from users.models import State, User
from users.sessions.ip_labels import ip_label
from users.sessions.models import SignInEvent, SignInOutcome
from users.typed_text import isolate_text
from users.web.device_labels import device_label
from users.web.time_zone import local_time, occurs_twice, offset_text, zone_named

KIND = Message.Kind
# {}: the organisation. Only staff get those that name Rollcall.
SUBJECTS = {
    KIND.INVITATION: "Your invitation to {}",
    KIND.PASSWORD_RESET: "Choose a new password for {}",
    KIND.STAFF_RESET: "Choose a new password for {}",
    KIND.SUSPENDED: "Your account is suspended",
    KIND.REINSTATED: "Your account is active again",
    KIND.VERIFICATION: "Confirm your email address",
    KIND.NEW_SUPERUSER: "Rollcall has a new administrator",
    KIND.HEAVY_USE: "Unusually heavy use of personal data in Rollcall",
    KIND.ROLE_REQUESTED: "A role request needs your decision",
    KIND.REVIEW_ESCALATED: "An access review needs an administrator",
    KIND.NEW_DEVICE: "Your account was used on a new device",
    KIND.ADDRESS_CHANGED: "The email address of your account was changed",
    KIND.FACTOR_ADDED: "A second factor was added to your account",
    KIND.FACTOR_REMOVED: "A second factor was removed from your account",
    KIND.OIDC_LINKED: "Single sign-on was linked to your account",
    KIND.OIDC_UNLINKED: "Single sign-on was unlinked from your account",
    KIND.BREAK_GLASS: "The break-glass account of Rollcall was used",
    KIND.RECOVERY_CODES: "New recovery codes were made for your account",
}
# The numbers in the events that are reported (users/meter/reports.py).
USE_COUNTS = ("reveals", "openings", "searches", "exports")
# Texts that staff write. Alarms have letters, too, whose text Rollcall writes.
ANSWERED_KINDS = {KIND.LETTER, KIND.ANNOUNCEMENT, KIND.TEST}
# Only staff get these.
STAFF_KINDS = {
    KIND.NEW_SUPERUSER,
    KIND.ROLE_REQUESTED,
    KIND.REVIEW_ESCALATED,
    KIND.ALARM,
    KIND.BREAK_GLASS,
    KIND.HEAVY_USE,
}
# Where the link of these leads.
LINK_VIEWS = {
    KIND.ROLE_REQUESTED: "staff-requests",
    KIND.REVIEW_ESCALATED: "staff-reviews",
    KIND.ALARM: "status",
}
# The state that an account must be in when the mail is sent; ACTIVE for other kinds.
REQUIRED_STATES = {KIND.INVITATION: State.INVITED, KIND.SUSPENDED: State.SUSPENDED}


def drop_reason(message: Message) -> str:
    """Returns why this message should not be sent any more, or ""."""
    return obsolete_reason(message) or suppression_reason(message)


def obsolete_reason(message: Message) -> str:
    """Returns why the state of the account forbids the message or makes it useless, or ""."""
    if message.kind in ANSWERED_KINDS:
        return letter_drop_reason(message)
    account = message.account
    if message.kind == KIND.ADDRESS_CHANGED:
        return "" if account.state in NOT_DELETED_STATES else "The account is gone."
    required = REQUIRED_STATES.get(KIND(message.kind), State.ACTIVE)
    if email_key(account.email) != email_key(message.to):
        return "The account’s email address has changed."
    if account.state != required:
        change = "" if required == State.ACTIVE else f", no longer {required}"
        return f"The account is {account.state.label.lower()}{change}."
    return pointless_reason(message)


def pointless_reason(message: Message) -> str:
    """Returns why a message about an account in the right state is of no use any more, or ""."""
    if message.kind == KIND.VERIFICATION and message.account.email_verified_at:
        return "The email address is already verified."
    if message.kind in STAFF_KINDS and not message.account.is_staff:
        return "The account is no longer staff."
    return ""


def letter_drop_reason(message: Message) -> str:
    """Returns why a letter should not be sent any more, or "".

    The account may be in any of NOT_DELETED_STATES, but its address must be unchanged and verified.
    """
    account = message.account
    if message.letter is None or not message.letter.text:
        return "The text of this email was deleted."
    if email_key(account.email) != email_key(message.to):
        return "The account’s email address has changed."
    if account.state not in NOT_DELETED_STATES:
        return f"The account is {account.state.label.lower()}."
    if message.kind == KIND.ANNOUNCEMENT and not account.accepts_announcements:
        return "This person no longer accepts announcements."
    return "" if account.email_verified_at else "The email address is no longer verified."


def compose_mail(message: Message) -> EmailMultiAlternatives:
    """Returns the mail of a message."""
    rendered = render_message(message)
    reply_to = settings.MAIL_REPLY_TO if message.kind in ANSWERED_KINDS else ""
    mail = EmailMultiAlternatives(
        subject=rendered.subject,
        body=rendered.text,
        to=[smtp_address(message.to)],
        reply_to=[reply_to] if reply_to else None,
        headers={
            # Equal for all attempts.
            "Message-ID": f"<{message.message_id}@{settings.SITE_PARTS.hostname}>",
            "Auto-Submitted": "auto-generated",
        }
        | unsubscribe_headers(message),
    )
    mail.attach_alternative(rendered.html, "text/html")
    return mail


def render_message(message: Message) -> RenderedMail:
    """Returns the texts of a message. Its link is created now and never stored."""
    values = mail_values(message)
    shared = {"bulk": message.is_bulk, "lifetime": link_lifetime()}
    if message.letter:
        return render_letter(message.letter, message.account, message.kind, values, shared)
    return render_mail(message.kind, values | {"subject": mail_subject(message)}, shared)


def mail_values(message: Message) -> dict[str, str]:
    """Returns what the templates of this message show, besides the text of a letter."""
    account = message.account
    values = {
        "username": letter_text.variable_value("username", account),
        "given_name": isolate_text(letter_text.one_line(account.first_name)),
        "link": settings.SITE_URL + link_path(message),
        "until": local_time_text(account.suspended_until, account),
    }
    if message.kind == KIND.ANNOUNCEMENT:
        values["unsubscribe_url"] = unsubscribe_url(message)
    if message.kind == KIND.NEW_DEVICE:
        return values | sign_in_values(message, message.account_id)
    if message.kind == KIND.BREAK_GLASS:
        return values | break_glass_values(message)
    if message.kind == KIND.HEAVY_USE:
        return values | heavy_use_values(message)
    return values | administrator_grant(message) if message.about_id else values


def sign_in_values(message: Message, account_id: int | None) -> dict[str, str]:
    """Returns when, where and with which browser the sign-in was that the message tells about: the
    newest one of this account before it.
    """
    events = SignInEvent.objects.filter(
        account_id=account_id,
        outcome=SignInOutcome.OK,
        at__lte=message.created_at,
    )
    event = events.order_by("-id").first()
    if event is None:
        return {"signed_in_at": local_time_text(message.created_at, message.account)}
    return {
        "signed_in_at": local_time_text(event.at, message.account),
        "device": isolate_text(letter_text.one_line(device_label(event.user_agent))),
        "place": ip_label(event.ip),
    }


def break_glass_values(message: Message) -> dict[str, str]:
    """Returns which account was used, when, where and with which browser."""
    used = User.objects.filter(pk=message.about_id).first()
    name = used.username if used else f"account {message.about_id}"
    values = {"used_account": isolate_text(letter_text.one_line(name))}
    return values | sign_in_values(message, message.about_id)


def administrator_grant(message: Message) -> dict[str, str]:
    """Returns who became an administrator, who granted it, when and why, as the trail says."""
    events = AuditEvent.objects.newest_of("target_id", message.about_id)
    gives_access = Q(after__is_superuser=True) | Q(after__has_key="groups")
    event = events.filter(gives_access).first()
    new = User.objects.filter(pk=message.about_id).first()
    texts = {
        "administrator": new.username if new else f"account {message.about_id}",
        "rank": "an administrator",
        "granted_by": "someone",
        "granted_at": local_time_text(message.created_at, message.account),
    }
    if event:
        texts["granted_by"] = event.actor_text
        texts["granted_at"] = local_time_text(event.at, message.account)
        texts["grant_reason"] = event.reason
        if event.after.get("is_superuser"):
            texts["rank"] = "a superuser, who has all permissions,"
    return {name: isolate_text(letter_text.one_line(text)) for name, text in texts.items()}


def heavy_use_values(message: Message) -> dict[str, str]:
    """Returns who has used how much in which hour, as the event says that caused the message."""
    events = AuditEvent.objects.newest_of("target_id", message.about_id)
    event = events.filter(action="meter.exceeded", at__lte=message.created_at).first()
    person = User.objects.filter(pk=message.about_id).first()
    texts = {
        "person": person.username if person else f"account {message.about_id}",
        "used_at": local_time_text(message.created_at, message.account),
    }
    counts = event.after if event else {}
    for name in USE_COUNTS:
        texts[name] = f"{counts.get(name, 0):,}"
    return {name: isolate_text(letter_text.one_line(text)) for name, text in texts.items()}


def mail_subject(message: Message) -> str:
    if message.letter:
        subject, _ = letter_text.localised_text(message.letter, message.account)
        return letter_text.fill_subject(subject, message.account)
    return SUBJECTS[KIND(message.kind)].format(settings.ORGANISATION_NAME)


def link_path(message: Message) -> str:
    """Returns the path of the mail's link.

    Links with a token work once, and for PASSWORD_RESET_TIMEOUT seconds.
    """
    if message.kind in (KIND.INVITATION, KIND.PASSWORD_RESET, KIND.STAFF_RESET):
        return token_path("account_reset_password_from_key", message.account, reset_tokens)
    if message.kind == KIND.VERIFICATION:
        return token_path("email-confirmation", message.account, verification_tokens)
    if message.kind in LINK_VIEWS:
        return reverse(LINK_VIEWS[KIND(message.kind)])
    if message.kind == KIND.HEAVY_USE:
        return reverse("staff-meter-person", args=[message.about_id])
    if message.about_id:
        return reverse("account", args=[message.about_id])
    return reverse("account_login")


def link_lifetime() -> str:
    """Returns how long links with a token work: "3 days", or "12 hours"."""
    hours = settings.PASSWORD_RESET_TIMEOUT // 3600
    number, unit = (hours, "hour") if hours % 24 else (hours // 24, "day")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def token_path(name: str, account: User, keys: PasswordResetTokenGenerator) -> str:
    return reverse(
        name, kwargs={"uidb36": int_to_base36(account.pk), "key": keys.make_token(account)}
    )


def local_time_text(at: datetime | None, account: User) -> str:
    """Returns a time in the account's time zone, with the name of the zone, and the difference from
    UTC where the time occurs twice; "" for None.
    """
    if at is None:
        return ""
    local = local_time(at, zone_named(account.time_zone))
    zone = str(local.tzinfo)
    if occurs_twice(local):
        zone += f", {offset_text(local)}"
    return f"{local:%-d %B %Y, %H:%M} ({zone})"
