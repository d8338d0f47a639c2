"""The checks of the login doctor, in the order in which sign-in makes them.

Each takes an account with its recent activity and returns one finding.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter

from django.conf import settings

from users.audit.actions import ACTION_LABELS
from users.database.clock import current_time
from users.doctor import remedies
from users.doctor.recent_activity import RecentActivity
from users.doctor.remedies import Remedy
from users.fields import label_in_text
from users.mail.models import Message, Suppression
from users.mail.suppressions import current_digests
from users.masking import is_masked
from users.models import State, User
from users.oidc.links import link_of
from users.sessions import throttle
from users.sessions.ip_labels import ip_label
from users.sessions.local_sign_in import must_use_provider
from users.sessions.models import SignInOutcome
from users.sessions.sign_in_events import is_checkable_hash
from users.typed_text import isolate_text

# How long ended sessions are worth a notice.
RECENT_PERIOD = timedelta(hours=1)
# How long a blocked IP address is worth a notice.
THROTTLE_PERIOD = timedelta(minutes=5)
# How long people may still type a former username or address.
CHANGED_PERIOD = timedelta(days=90)
MESSAGE_KINDS = dict(Message.Kind.choices)
SESSION_ENDING_EVENTS = {
    "account.session_ended",
    "account.sessions_ended",
    "account.password_changed",
    "account.second_factor_reset",
}


class Level(StrEnum):
    """How serious a finding is. STOPS means that it prevents signing in."""

    STOPS = "stops"
    NOTICE = "notice"
    FINE = "fine"


@dataclass(frozen=True)
class Finding:
    """The result of one check. The page shows `at` after the title."""

    level: Level
    title: str
    explanation: str = ""
    at: datetime | None = None
    remedies: tuple[Remedy, ...] = ()


def check_suspension(account: User, activity: RecentActivity) -> Finding:
    if account.state == State.SUSPENDED:
        return Finding(
            Level.STOPS,
            "Suspended until" if account.suspended_until else "Suspended indefinitely",
            explanation=account.status_reason,
            at=account.suspended_until,
            remedies=(remedies.REINSTATE,),
        )
    if account.status == State.SUSPENDED:
        return Finding(Level.FINE, "No longer suspended since", at=account.suspended_until)
    return Finding(Level.FINE, "Not suspended")


def check_end_date(account: User, activity: RecentActivity) -> Finding:
    until = account.valid_until
    if until is None:
        return Finding(Level.FINE, "No end date")
    if until > current_time():
        return Finding(Level.FINE, "Expires on", at=until)
    return Finding(Level.STOPS, "Expired on", at=until, remedies=(remedies.CHANGE_END_DATE,))


def check_deletion(account: User, activity: RecentActivity) -> Finding:
    if account.status == State.DELETED:
        return Finding(
            Level.STOPS,
            "Deleted",
            explanation=account.status_reason,
            at=account.deleted_at,
            remedies=(remedies.RESTORE,),
        )
    if account.status == State.ERASED:
        return Finding(
            Level.STOPS,
            "Erased",
            explanation="All personal data is permanently removed.",
            at=account.deleted_at,
        )
    return Finding(Level.FINE, "Not deleted")


def check_invitation(account: User, activity: RecentActivity) -> Finding:
    if account.status == State.INVITED:
        return Finding(
            Level.STOPS,
            "Invited, no password chosen yet",
            explanation="The link in the invitation lets them choose one.",
            remedies=(remedies.INVITE_AGAIN,),
        )
    return Finding(Level.FINE, "No pending invitation")


def check_verification(account: User, activity: RecentActivity) -> Finding:
    if not account.email:
        return Finding(
            Level.NOTICE,
            "No address",
            explanation="They sign in with the username. A password reset can’t be sent.",
            remedies=(remedies.CORRECT_ADDRESS,),
        )
    if account.email_verified_at is None:
        return Finding(
            Level.NOTICE,
            "Address not verified",
            explanation="This does not block sign-in.",
            remedies=(remedies.SEND_VERIFICATION,),
        )
    return Finding(Level.FINE, "Address verified", at=account.email_verified_at)


def check_bounced_address(account: User, activity: RecentActivity) -> Finding:
    """Checks whether the address is suppressed as one that no email reaches."""
    digests = current_digests([activity.address])
    found = (each for each in activity.suppressions if each.code == Suppression.Source.INVALID)
    bounce = next((each for each in found if each.before in digests), None)
    if bounce is None:
        return Finding(Level.FINE, "Emails about the account can be sent to this address")
    return Finding(
        Level.STOPS if account.status == State.INVITED else Level.NOTICE,
        "No emails are sent to this address, not even password resets. They bounced permanently",
        explanation=(
            "Correct the address. If it is right, lift the suppression on the “Emails” tab."
        ),
        at=bounce.at,
        remedies=(remedies.CORRECT_ADDRESS,),
    )


def check_last_mail(account: User, activity: RecentActivity) -> Finding:
    """Checks the delivery of the last email to the account's current address."""
    current = (
        mail for mail in activity.mail if mail.after and mail.before != Message.State.DROPPED
    )
    last = next(current, None)
    if last is None:
        return Finding(Level.FINE, "No emails sent yet")
    kind = f"“{MESSAGE_KINDS.get(last.code, last.code)}”"
    if last.before == Message.State.FAILED:
        return Finding(
            Level.STOPS if account.status == State.INVITED else Level.NOTICE,
            f"The last email, {kind}, bounced",
            explanation=last.text,
            at=last.at,
            remedies=(remedies.CORRECT_ADDRESS,),
        )
    if last.before == Message.State.WAITING:
        title = f"The last email, {kind}, has not been sent yet"
        return Finding(Level.NOTICE, title, explanation=last.text, at=last.at)
    if last.before == Message.State.UNKNOWN:
        title = f"It is unknown whether the last email, {kind}, was sent"
        return Finding(Level.NOTICE, title, explanation=last.text, at=last.at)
    title = f"The last email, {kind}, was accepted by the mail server"
    return Finding(Level.FINE, title, at=last.at)


def check_lockout(account: User, activity: RecentActivity) -> Finding:
    """Checks whether the account is locked out, or an IP address was blocked lately."""
    if until := throttle.locked_until(account):
        return Finding(
            Level.STOPS,
            "Locked out after too many failed attempts until",
            at=until,
            remedies=(remedies.UNLOCK,),
        )
    since = current_time() - THROTTLE_PERIOD
    for attempt in activity.attempts:
        if attempt.code == SignInOutcome.IP_THROTTLED and attempt.at > since:
            return Finding(
                Level.NOTICE,
                "Not locked out, but an IP address was blocked briefly after too many attempts",
                explanation=(
                    f"The attempts came from {ip_label(attempt.ip)}, for this account or others."
                    " Sign-in works again after a minute, or from another IP address."
                ),
                at=attempt.at,
            )
    return Finding(Level.FINE, "Not locked out")


SERVICE_FINDING = Finding(
    Level.STOPS,
    "Service account",
    explanation="Nobody can sign in to it. Programs act as it with API tokens.",
)


def check_password_hash(account: User, activity: RecentActivity) -> Finding:
    if account.is_service:
        return SERVICE_FINDING
    if account.status in (State.INVITED, State.ERASED):
        return Finding(Level.FINE, "No password expected")
    if must_use_provider(account):
        return check_provider_link(account)
    if not account.has_usable_password():
        return Finding(
            Level.STOPS,
            "No password",
            explanation="Send a reset email so they can choose one.",
            remedies=(remedies.SEND_PASSWORD_RESET,),
        )
    if not is_checkable_hash(account.password):
        return Finding(
            Level.STOPS,
            "The stored password can’t be checked",
            explanation=(
                "It is stored in a format that this site can’t check."
                " Send a reset email so they can choose a new one."
            ),
            remedies=(remedies.SEND_PASSWORD_RESET,),
        )
    return Finding(Level.FINE, "Password set")


def check_provider_link(account: User) -> Finding:
    """Returns whether staff who sign in with the provider alone can do so."""
    if link_of(account):
        return Finding(Level.FINE, f"Linked to {settings.OIDC.name}")
    return Finding(
        Level.STOPS,
        f"Not linked to {settings.OIDC.name}",
        explanation=(
            "After signing in there, they see their ID and can send it to you."
            " Link it in the tab Sign-ins."
        ),
    )


def check_password_change(account: User, activity: RecentActivity) -> Finding:
    if account.must_change_password and not must_use_provider(account):
        return Finding(
            Level.NOTICE,
            "Password change required",
            explanation="They are asked for a new password after signing in.",
            remedies=(remedies.SEND_PASSWORD_RESET,),
        )
    return Finding(Level.FINE, "No password change required")


def check_second_factor(account: User, activity: RecentActivity) -> Finding:
    if account.has_second_factor:
        return Finding(
            Level.NOTICE,
            "Second factor set up",
            explanation="If the person has lost it, reset it.",
            remedies=(remedies.RESET_SECOND_FACTOR,),
        )
    return Finding(Level.FINE, "No second factor")


def check_ended_sessions(account: User, activity: RecentActivity) -> Finding:
    since = current_time() - RECENT_PERIOD
    for event in activity.changes:
        if event.code in SESSION_ENDING_EVENTS and event.at > since:
            label = ACTION_LABELS.get(event.code, event.code)
            return Finding(
                Level.NOTICE,
                f"{label}, by {isolate_text(event.actor_text)}",
                explanation="The user has to sign in again.",
                at=event.at,
            )
    return Finding(Level.FINE, "No sessions ended in the last hour")


def check_former_names(account: User, activity: RecentActivity) -> Finding:
    """Checks whether the username or the address was changed lately: people type the old one."""
    since = current_time() - CHANGED_PERIOD
    changes = [entry for entry in activity.former if entry.at > since]
    last = max(changes, key=attrgetter("at"), default=None)
    if last is None:
        return Finding(Level.FINE, "Username and address not changed in the last 90 days")
    label = label_in_text(last.code)
    former = json.loads(last.before or "{}").get(last.code)
    if not former or is_masked(account):
        return Finding(Level.NOTICE, f"The {label} was changed", at=last.at)
    return Finding(
        Level.NOTICE,
        f"“{isolate_text(former)}” was the {label} until",
        explanation="They can’t sign in with it any more.",
        at=last.at,
    )


CHECKS: tuple[Callable[[User, RecentActivity], Finding], ...] = (
    check_suspension,
    check_end_date,
    check_deletion,
    check_invitation,
    check_verification,
    check_last_mail,
    check_bounced_address,
    check_lockout,
    check_password_hash,
    check_password_change,
    check_second_factor,
    check_ended_sessions,
    check_former_names,
)
