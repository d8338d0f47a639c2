"""The login doctor: why a person can't sign in.

Nothing here is cached. A diagnosis takes two queries: one for the recent activity of the account,
and one for its counter of failed attempts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from users.doctor.checks import CHECKS, Finding, Level
from users.doctor.recent_activity import recent_activity
from users.doctor.remedies import Remedy
from users.email_addresses import identifier_key
from users.history.timeline import Entry
from users.models import User
from users.sessions.models import SignInEvent, SignInOutcome
from users.sessions.sign_in_events import typed_digests

# Recent failures that the page shows.
MAX_FAILURES = 10


@dataclass(frozen=True)
class Diagnosis:
    """The findings of all checks and the recent failures to sign in."""

    findings: list[Finding]
    failures: list[SignInEvent] = field(default_factory=list)

    @property
    def blockers(self) -> list[Finding]:
        """The findings that prevent the person from signing in."""
        return [finding for finding in self.findings if finding.level == Level.STOPS]

    @property
    def verdict(self) -> str:
        """The result without the time of the first blocker, which the page adds."""
        if not self.blockers:
            return "Nothing prevents this person from signing in."
        title = self.blockers[0].title
        return f"This person can’t sign in: {title[0].lower()}{title[1:]}"

    @property
    def verdict_end(self) -> str:
        """The end of the verdict, with the number of further blockers."""
        if not self.blockers:
            return ""
        others = len(self.blockers) - 1
        problems = "problem" if others == 1 else "problems"
        return f" (+{others} more {problems})." if others else "."


def diagnose_sign_in(
    account: User, may: Callable[[str], bool], *, address: str | None = None
) -> Diagnosis:
    """Returns the diagnosis of an account, with the remedies that work and that the viewer may use.

    `may(action)`: whether the viewer may take the action on this account. `address`: that of a
    masked account.
    """

    def is_available(remedy: Remedy) -> bool:
        return may(remedy.action) and remedy.fits(account)

    activity = recent_activity(account.pk, account.email if address is None else address)
    findings = []
    for check in CHECKS:
        finding = check(account, activity)
        available = tuple(filter(is_available, finding.remedies))
        findings.append(replace(finding, remedies=available))
    return Diagnosis(findings, recent_failures(activity.attempts))


def recent_failures(attempts: list[Entry]) -> list[SignInEvent]:
    """Returns the newest failures among the attempts, at most MAX_FAILURES."""
    successes = (SignInOutcome.OK, SignInOutcome.PASSWORD_CHOSEN)
    failed = [attempt for attempt in attempts if attempt.code not in successes]
    return [
        SignInEvent(
            id=attempt.id,
            at=attempt.at,
            outcome=attempt.code,
            way=attempt.text,
            ip=attempt.ip,
            user_agent=attempt.user_agent,
        )
        for attempt in failed[:MAX_FAILURES]
    ]


def unknown_name_attempts(typed: str) -> dict[str, Any]:
    """Returns how often a name without an account was tried (at most 11), and the last time."""
    digests = typed_digests(identifier_key(typed))
    attempts = SignInEvent.objects.filter(typed__in=digests).order_by("-id")
    times = list(attempts.values_list("at", flat=True)[:11])
    return {"number": len(times), "last": times[0] if times else None}
