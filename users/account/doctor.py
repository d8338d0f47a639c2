"""The login doctor: why somebody can't sign in, looked up at this moment, in the order in which sign-in would ask.

Nothing here is cached, and no line costs more than one query along an index.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import F
from django.utils import timezone

from users.account.signins import failures
from users.audit.actions import ACTIONS
from users.audit.models import AuditEvent
from users.identifiers import fold
from users.mail.models import Message
from users.models import State, User
from users.staff import throttle
from users.staff.models import SignInEvent
from users.staff.signins import can_be_checked, digest

JUST = timedelta(hours=1)
RECENT = 20  # events and mails that are looked through
ENDING = {"account.session_ended", "account.sessions_ended", "account.password_changed", "account.second_factor_reset"}


class Level(StrEnum):
    STOPS = "stops"
    NOTICE = "notice"
    FINE = "fine"


@dataclass(frozen=True)
class Remedy:
    """A page that mends it. `action`: what the viewer must be allowed to do; `path`: below the account's address.
    `once_active`: of no use before whatever else is wrong with the account's state is mended. `by_mail`: nor without an
    address."""

    label: str
    action: str
    path: str
    once_active: bool = False
    by_mail: bool = False

    def helps(self, account: User) -> bool:
        """Whether its page would do anything now. What is deleted takes nothing but its return."""
        if account.status in (State.DELETED, State.ERASED):
            return self == RESTORE
        return (account.is_active or not self.once_active) and bool(account.email or not self.by_mail)


REINSTATE = Remedy("Reinstate", "reinstate", "suspension/end/")
EXTEND = Remedy("Change the end date", "set_end_date", "end-date/")
RESTORE = Remedy("Restore", "restore", "deletion/end/")
INVITE = Remedy("Invite again", "invite", "invitation/", by_mail=True)
EDIT = Remedy("Correct the address", "edit", "edit/")
VERIFY = Remedy("Send a verification mail", "verify_email", "verification/mail/", once_active=True, by_mail=True)
RESET = Remedy("Send a password reset", "reset_password", "password-reset/", once_active=True, by_mail=True)
UNLOCK = Remedy("Let them try again now", "end_lockout", "lockout/end/")
FACTOR = Remedy("Reset the second factor", "reset_second_factor", "second-factor/reset/")


@dataclass(frozen=True)
class Line:
    level: Level
    title: str
    says: str = ""
    at: datetime | None = None
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    lines: list[Line]
    failures: list[SignInEvent] = field(default_factory=list)

    @property
    def stops(self) -> list[Line]:
        return [line for line in self.lines if line.level == Level.STOPS]

    @property
    def verdict(self) -> str:
        """Without the moment of the first reason, which the page shows behind it."""
        if not self.stops:
            return "Nothing stops this person from signing in."
        title = self.stops[0].title
        return f"This person can’t sign in: {title[0].lower()}{title[1:]}"

    @property
    def more(self) -> str:
        return f", and {len(self.stops) - 1} more." if len(self.stops) > 1 else "."


def diagnose(account: User, may: Callable[[str], bool]) -> Diagnosis:
    """`may`: whether the viewer may take an action on this account; remedies that they may not use, or that would do
    nothing, are left out."""
    fits = lambda one: may(one.action) and one.helps(account)  # noqa: E731
    lines = [check(account) for check in CHECKS]
    return Diagnosis([replace(line, remedies=tuple(filter(fits, line.remedies))) for line in lines], failures(account.pk))


def suspended(account: User) -> Line:
    if account.state == State.SUSPENDED:
        until = "Suspended until" if account.suspended_until else "Suspended without an end"
        return Line(Level.STOPS, until, account.status_reason, account.suspended_until, (REINSTATE,))
    if account.status == State.SUSPENDED:
        return Line(Level.FINE, "No longer suspended since", at=account.suspended_until)
    return Line(Level.FINE, "Not suspended")


def ended(account: User) -> Line:
    until = account.valid_until
    if until and until <= timezone.now():
        return Line(Level.STOPS, "The account ended", at=until, remedies=(EXTEND,))
    return Line(Level.FINE, "Valid until" if until else "No end date", at=until)


def gone(account: User) -> Line:
    if account.status == State.DELETED:
        return Line(Level.STOPS, "Deleted", account.status_reason, account.deleted_at, (RESTORE,))
    if account.status == State.ERASED:
        return Line(Level.STOPS, "Erased", "The person’s data are gone for good.", account.deleted_at)
    return Line(Level.FINE, "Not deleted")


def invited(account: User) -> Line:
    if account.status == State.INVITED:
        return Line(
            Level.STOPS, "Invited, and no password chosen yet", "The link of the invitation is for that.", None, (INVITE,)
        )
    return Line(Level.FINE, "No open invitation")


def verified(account: User) -> Line:
    if not account.email:
        return Line(Level.NOTICE, "No address", "They sign in by username; a password reset has nowhere to go.", None, (EDIT,))
    if account.email_verified_at is None:
        return Line(Level.NOTICE, "The address is not verified", "That does not stop anybody here.", None, (VERIFY,))
    return Line(Level.FINE, "The address is verified", at=account.email_verified_at)


def mail(account: User) -> Line:
    """What became of the last mail to the address that the account has now, by its row: `account` may be masked."""
    sent = Message.objects.filter(account=account).annotate(address=F("account__email")).order_by("-id")[:RECENT]
    last = next((one for one in sent if one.to == one.address and one.state != Message.State.DROPPED), None)
    if last is None:
        return Line(Level.FINE, "No mail was sent to this address")
    kind = f"“{last.get_kind_display()}”"
    if last.state == Message.State.FAILED:
        level = Level.STOPS if account.status == State.INVITED else Level.NOTICE
        return Line(level, f"The last mail, {kind}, came back", last.error, last.created_at, (EDIT,))
    if last.state == Message.State.WAITING:
        return Line(Level.NOTICE, f"The last mail, {kind}, has not left yet", last.error, last.created_at)
    return Line(Level.FINE, f"The last mail, {kind}, was taken by its server", at=last.sent_at)


def locked_out(account: User) -> Line:
    if until := throttle.locked_until(account):
        return Line(Level.STOPS, "Locked out after too many failures until", "", until, (UNLOCK,))
    return Line(Level.FINE, "Not locked out")


def password(account: User) -> Line:
    if account.status in (State.INVITED, State.ERASED):
        return Line(Level.FINE, "A password is not expected")
    if not account.has_usable_password():
        return Line(Level.STOPS, "There is no password", "They choose one by the link of a reset mail.", None, (RESET,))
    if not can_be_checked(account.password):
        says = "It was stored in a way that this site can’t check. They choose a new one by the link of a reset mail."
        return Line(Level.STOPS, "The stored password can’t be checked", says, None, (RESET,))
    return Line(Level.FINE, "There is a password that can be checked")


def must_change(account: User) -> Line:
    if account.must_change_password:
        return Line(
            Level.NOTICE, "They must choose a new password", "They are asked to once they have signed in.", None, (RESET,)
        )
    return Line(Level.FINE, "The password need not be changed")


def second_factor(account: User) -> Line:
    if account.has_second_factor:
        return Line(Level.NOTICE, "There is a second factor", "If the person has lost it, reset it.", None, (FACTOR,))
    return Line(Level.FINE, "No second factor to lose")


def sessions_ended(account: User) -> Line:
    events = AuditEvent.objects.newest_of("target_id", account.pk).only("at", "action", "actor_text")[:RECENT]
    since = timezone.now() - JUST
    last = next((event for event in events if event.action in ENDING and event.at > since), None)
    if last:
        says = "Whoever was signed in is asked for the password again."
        return Line(Level.NOTICE, f"{ACTIONS.get(last.action, last.action)}, by {last.actor_text}", says, last.at)
    return Line(Level.FINE, "No sessions were ended within the hour")


CHECKS: tuple[Callable[[User], Line], ...] = (
    suspended, ended, gone, invited, verified, mail, locked_out, password, must_change, second_factor, sessions_ended,
)  # fmt: skip


def attempts_at(typed: str) -> dict[str, Any]:
    """What is known of a name that no account has: how often it was tried lately, and when last."""
    tries = list(
        SignInEvent.objects.filter(typed=digest(fold(typed.strip()))).order_by("-id").values_list("at", flat=True)[:11]
    )
    return {"number": len(tries), "last": tries[0] if tries else None}
