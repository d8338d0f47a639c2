"""The login doctor: why somebody can't sign in, looked up at this moment, in the order in which
sign-in would ask.

Nothing here is cached. It takes two queries: one for what happened lately, and one for the counter
of failures.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.utils import timezone

from users.audit.actions import ACTION_LABELS
from users.history.timeline import NULL_ID, Entry, Source, read_entries
from users.history.timeline import SOURCES as TIMELINE
from users.identifiers import LARGEST_ID, fold_identifier
from users.mail.models import Message
from users.models import State, User
from users.sessions import throttle
from users.sessions.ip_labels import ip_label
from users.sessions.models import SignInEvent, SignInOutcome
from users.sessions.sign_in_events import is_checkable_hash, typed_digest
from users.verbs import (
    end_date,
    invitation,
    lockout_end,
    password_reset,
    profile,
    reinstatement,
    restoration,
    second_factor_reset,
    verification_email,
)
from users.verbs.declaration import Verb

RECENT_PERIOD = timedelta(hours=1)
# How long a blocked network address is still worth a mention.
THROTTLE_PERIOD = timedelta(minutes=5)
MAX_ENTRIES = 100  # events, mails and attempts; beyond them a failure tells nothing about today
MAX_FAILURES = 10  # that are shown
MESSAGE_KINDS = dict(Message.Kind.choices)
SESSION_ENDING_EVENTS = {
    "account.session_ended",
    "account.sessions_ended",
    "account.password_changed",
    "account.second_factor_reset",
}


class Level(StrEnum):
    STOPS = "stops"
    NOTICE = "notice"
    FINE = "fine"


@dataclass(frozen=True)
class Remedy:
    """A verb that removes the cause. `other_label`: where the link is not called like the verb.

    `once_active`: useless until the account is active. `by_mail`: useless without an address.
    """

    verb: Verb
    other_label: str = ""
    once_active: bool = False
    by_mail: bool = False

    @property
    def label(self) -> str:
        return self.other_label or self.verb.label

    @property
    def action(self) -> str:
        return self.verb.action

    @property
    def path(self) -> str:
        return self.verb.path

    def helps(self, account: User) -> bool:
        """Whether its page would do anything now. What is deleted takes nothing but its return."""
        if account.status in (State.DELETED, State.ERASED):
            return self == RESTORE
        return (account.is_active or not self.once_active) and bool(
            account.email or not self.by_mail
        )


REINSTATE = Remedy(reinstatement.REINSTATE)
EXTEND = Remedy(end_date.SET_END_DATE, "Change end date")
RESTORE = Remedy(restoration.RESTORE)
INVITE = Remedy(invitation.INVITE_AGAIN, by_mail=True)
EDIT = Remedy(profile.EDIT, "Correct address")
VERIFY = Remedy(verification_email.SEND_VERIFICATION, once_active=True, by_mail=True)
RESET = Remedy(password_reset.SEND_PASSWORD_RESET, once_active=True, by_mail=True)
UNLOCK = Remedy(lockout_end.END_LOCKOUT)
FACTOR = Remedy(second_factor_reset.RESET_SECOND_FACTOR)


@dataclass(frozen=True)
class Finding:
    level: Level
    title: str
    says: str = ""
    at: datetime | None = None
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    lines: list[Finding]
    failures: list[SignInEvent] = field(default_factory=list)

    @property
    def stops(self) -> list[Finding]:
        return [line for line in self.lines if line.level == Level.STOPS]

    @property
    def verdict(self) -> str:
        """Without the moment of the first reason, which the page shows behind it."""
        if not self.stops:
            return "Nothing prevents this person from signing in."
        title = self.stops[0].title
        return f"This person can’t sign in: {title[0].lower()}{title[1:]}"

    @property
    def more(self) -> str:
        """The end of the verdict, with the number of further reasons."""
        if not self.stops:
            return ""
        others = len(self.stops) - 1
        problems = "problem" if others == 1 else "problems"
        return f" (+{others} more {problems})." if others else "."


@dataclass(frozen=True)
class RecentActivity:
    """Recent events, emails and sign-in attempts of an account, newest first. `before` of an email
    is its state; `after` says whether it went to the current address.
    """

    changes: list[Entry]
    mail: list[Entry]
    attempts: list[Entry]


RECENT_SOURCES = {
    "changes": Source(
        "",
        "users_auditevent",
        "target_id",
        f"id, at, {NULL_ID}, actor_text, action, '', '', '', CAST(NULL AS text), '', {NULL_ID}",
    ),
    "mail": Source(
        "",
        "users_message",
        "account_id",
        f"""id, coalesce(CASE WHEN state = 'sent' THEN sent_at END, created_at),
        {NULL_ID}, '', kind, error, state,
        CASE WHEN "to" = (SELECT email FROM users_user
        WHERE users_user.id = users_message.account_id) THEN 'now' ELSE '' END,
        CAST(NULL AS text), '', {NULL_ID}""",  # noqa: S608
    ),
    "sign-ins": TIMELINE["sign-ins"],
}


def recent_activity(account_id: int) -> RecentActivity:
    """One query."""
    found = read_entries(
        account_id, dict.fromkeys(RECENT_SOURCES, LARGEST_ID), MAX_ENTRIES, RECENT_SOURCES
    )
    return RecentActivity(found["changes"], found["mail"], found["sign-ins"])


def diagnose_sign_in(account: User, may: Callable[[str], bool]) -> Diagnosis:
    """`may`: whether the viewer may take an action on this account; remedies that they may not use,
    or that would do nothing, are left out.
    """
    fits = lambda one: may(one.action) and one.helps(account)  # noqa: E731
    happened = recent_activity(account.pk)
    lines = [check(account, happened) for check in CHECKS]
    return Diagnosis(
        [replace(line, remedies=tuple(filter(fits, line.remedies))) for line in lines],
        recent_failures(happened.attempts),
    )


def recent_failures(attempts: list[Entry]) -> list[SignInEvent]:
    """The last of them."""
    failed = [
        attempt
        for attempt in attempts
        if attempt.what not in (SignInOutcome.OK, SignInOutcome.CHOSEN)
    ][:MAX_FAILURES]
    return [
        SignInEvent(
            id=one.id,
            at=one.at,
            outcome=one.what,
            way=one.text,
            ip=one.ip,
            user_agent=one.user_agent,
        )
        for one in failed
    ]


def check_suspension(account: User, happened: RecentActivity) -> Finding:
    if account.state == State.SUSPENDED:
        until = "Suspended until" if account.suspended_until else "Suspended indefinitely"
        return Finding(
            Level.STOPS, until, account.status_reason, account.suspended_until, (REINSTATE,)
        )
    if account.status == State.SUSPENDED:
        return Finding(Level.FINE, "No longer suspended since", at=account.suspended_until)
    return Finding(Level.FINE, "Not suspended")


def check_end_date(account: User, happened: RecentActivity) -> Finding:
    until = account.valid_until
    if until and until <= timezone.now():
        return Finding(Level.STOPS, "Expired on", at=until, remedies=(EXTEND,))
    return Finding(Level.FINE, "Expires on" if until else "No end date", at=until)


def check_deletion(account: User, happened: RecentActivity) -> Finding:
    if account.status == State.DELETED:
        return Finding(
            Level.STOPS, "Deleted", account.status_reason, account.deleted_at, (RESTORE,)
        )
    if account.status == State.ERASED:
        return Finding(
            Level.STOPS, "Erased", "All personal data is permanently removed.", account.deleted_at
        )
    return Finding(Level.FINE, "Not deleted")


def check_invitation(account: User, happened: RecentActivity) -> Finding:
    if account.status == State.INVITED:
        return Finding(
            Level.STOPS,
            "Invited, no password chosen yet",
            "The link in the invitation lets them choose one.",
            None,
            (INVITE,),
        )
    return Finding(Level.FINE, "No pending invitation")


def check_verification(account: User, happened: RecentActivity) -> Finding:
    if not account.email:
        return Finding(
            Level.NOTICE,
            "No address",
            "They sign in with the username. A password reset can’t be sent.",
            None,
            (EDIT,),
        )
    if account.email_verified_at is None:
        return Finding(
            Level.NOTICE,
            "Address not verified",
            "This does not block sign-in.",
            None,
            (VERIFY,),
        )
    return Finding(Level.FINE, "Address verified", at=account.email_verified_at)


def check_last_mail(account: User, happened: RecentActivity) -> Finding:
    """Checks the delivery of the last email to the account's current address."""
    last = next(
        (one for one in happened.mail if one.after and one.before != Message.State.DROPPED), None
    )
    if last is None:
        return Finding(Level.FINE, "No emails sent yet")
    kind = f"“{MESSAGE_KINDS.get(last.what, last.what)}”"
    if last.before == Message.State.FAILED:
        level = Level.STOPS if account.status == State.INVITED else Level.NOTICE
        return Finding(level, f"The last email, {kind}, bounced", last.text, last.at, (EDIT,))
    if last.before == Message.State.WAITING:
        return Finding(
            Level.NOTICE, f"The last email, {kind}, has not been sent yet", last.text, last.at
        )
    if last.before == Message.State.UNKNOWN:
        return Finding(
            Level.NOTICE,
            f"It is unknown whether the last email, {kind}, was sent",
            last.text,
            last.at,
        )
    return Finding(
        Level.FINE, f"The last email, {kind}, was accepted by the mail server", at=last.at
    )


def check_lockout(account: User, happened: RecentActivity) -> Finding:
    """The account, or the network address that somebody tried it from."""
    if until := throttle.locked_until(account):
        return Finding(
            Level.STOPS,
            "Locked out after too many failed attempts until",
            "",
            until,
            (UNLOCK,),
        )
    since = timezone.now() - THROTTLE_PERIOD
    crowded = (
        one for one in happened.attempts if one.what == SignInOutcome.CROWDED and one.at > since
    )
    if last := next(crowded, None):
        says = (
            f"The attempts came from {ip_label(last.ip)}, for this account or others."
            " Sign-in works again after a minute, or from another address."
        )
        return Finding(
            Level.NOTICE,
            "Not locked out, but an IP address was blocked briefly after too many attempts",
            says,
            last.at,
        )
    return Finding(Level.FINE, "Not locked out")


def check_password_hash(account: User, happened: RecentActivity) -> Finding:
    if account.status in (State.INVITED, State.ERASED):
        return Finding(Level.FINE, "No password expected")
    if not account.has_usable_password():
        return Finding(
            Level.STOPS,
            "No password",
            "Send a reset email so they can choose one.",
            None,
            (RESET,),
        )
    if not is_checkable_hash(account.password):
        says = (
            "It is stored in a format that this site can’t check."
            " Send a reset email so they can choose a new one."
        )
        return Finding(Level.STOPS, "The stored password can’t be checked", says, None, (RESET,))
    return Finding(Level.FINE, "Password set")


def check_password_change(account: User, happened: RecentActivity) -> Finding:
    if account.must_change_password:
        return Finding(
            Level.NOTICE,
            "Password change required",
            "They are asked for a new password after signing in.",
            None,
            (RESET,),
        )
    return Finding(Level.FINE, "No password change required")


def check_second_factor(account: User, happened: RecentActivity) -> Finding:
    if account.has_second_factor:
        return Finding(
            Level.NOTICE,
            "Second factor set up",
            "If the person has lost it, reset it.",
            None,
            (FACTOR,),
        )
    return Finding(Level.FINE, "No second factor")


def check_ended_sessions(account: User, happened: RecentActivity) -> Finding:
    since = timezone.now() - RECENT_PERIOD
    last = next(
        (
            event
            for event in happened.changes
            if event.what in SESSION_ENDING_EVENTS and event.at > since
        ),
        None,
    )
    if last:
        says = "The user has to sign in again."
        return Finding(
            Level.NOTICE,
            f"{ACTION_LABELS.get(last.what, last.what)}, by {last.actor_text}",
            says,
            last.at,
        )
    return Finding(Level.FINE, "No sessions ended in the last hour")


CHECKS: tuple[Callable[[User, RecentActivity], Finding], ...] = (
    check_suspension,
    check_end_date,
    check_deletion,
    check_invitation,
    check_verification,
    check_last_mail,
    check_lockout,
    check_password_hash,
    check_password_change,
    check_second_factor,
    check_ended_sessions,
)


def unknown_name_attempts(typed: str) -> dict[str, Any]:
    """Returns how often a name without an account was tried (at most 11), and when last."""
    tries = list(
        SignInEvent.objects.filter(typed=typed_digest(fold_identifier(typed.strip())))
        .order_by("-id")
        .values_list("at", flat=True)[:11]
    )
    return {"number": len(tries), "last": tries[0] if tries else None}
