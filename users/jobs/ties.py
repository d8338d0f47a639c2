"""Ties between the person who started a job and somebody who would approve it: invitations, roles
and emails that one gave the other, and a browser that both have used.

A second account of the same person is no second person. Ties count for BULK_APPROVAL_TIE_DAYS.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from users.audit.models import AuditEvent
from users.models import User
from users.sessions.models import Session, SignInEvent, SignInOutcome
from users.web.time_html import date_text

CREATIONS = {
    "account.created": "created",
    "account.imported": "imported",
    "account.invited": "invited",
    "account.invited_again": "invited",
}
# Fields in an event whose change gives power over an account, and what that is called.
GRANTS = {
    "groups": "roles",
    "is_staff": "access level",
    "is_superuser": "access level",
    "email": "email address",
}
# How many others may stand between the two.
CHAIN_LENGTH = 5
SIGN_INS_READ = 1000


def find_ties(initiator: User, approver: User) -> list[str]:
    """Returns a sentence for each tie that keeps `approver` from approving a job of `initiator`,
    addressed to the approver.
    """
    if not settings.BULK_APPROVAL_TIE_DAYS:
        return []
    since = timezone.now() - timedelta(days=settings.BULK_APPROVAL_TIE_DAYS)
    ties = [*granted_ties(initiator, approver, since)]
    if not ties and initiator.pk in grantors(approver.pk, since):
        ties.append(f"Your access comes from {initiator}, through other people.")
    if not ties and approver.pk in grantors(initiator.pk, since):
        ties.append(f"The access of {initiator} comes from you, through other people.")
    if browsers_used(initiator.pk, since) & browsers_used(approver.pk, since):
        ties.append(f"You and {initiator} have used the same browser at the same IP address.")
    return ties


def granted_ties(initiator: User, approver: User, since: datetime) -> Iterator[str]:
    """Yields a sentence about the last event of each kind between the two."""
    pairs = [(initiator, approver), (approver, initiator)]
    for actor, target in pairs:
        who = "You" if actor == approver else str(actor)
        whom = "you" if target == approver else str(target)
        whose = "your" if target == approver else f"{target}’s"
        last: dict[str, datetime] = {}
        events = access_events(since).filter(actor_id=actor.pk, target_id=target.pk)
        for event in events.order_by("id"):
            for grant in event_grants(event):
                last[grant.format(whom=whom, whose=whose)] = event.at
        for grant, at in last.items():
            yield f"{who} {grant} on {date_text(timezone.localtime(at))}."


def access_events(since: datetime) -> Any:
    """Returns the events about accounts that name an actor."""
    return AuditEvent.objects.filter(
        at__gt=since, actor_id__isnull=False, action__startswith="account."
    )


def event_grants(event: AuditEvent) -> list[str]:
    """Returns what the actor gave the target with this event, as verb phrases."""
    if event.action in CREATIONS:
        return [f"{CREATIONS[event.action]} {{whom}}"]
    fields = {*(event.before or {}), *(event.after or {})}
    given = {label for field, label in GRANTS.items() if field in fields}
    return [f"changed {{whose}} {label}" for label in sorted(given)]


def grantors(account_id: int, since: datetime) -> set[int]:
    """Returns the ids of all from whom the account's access comes, directly or through others."""
    found: set[int] = set()
    latest = {account_id}
    for _ in range(CHAIN_LENGTH):
        events = access_events(since).filter(target_id__in=latest).exclude(actor_id__in=latest)
        latest = {event.actor_id for event in events if event_grants(event)} - found  # type: ignore[misc]
        if not latest:
            break
        found |= latest
    return found


def browsers_used(account_id: int, since: datetime) -> set[tuple[str, str]]:
    """Returns the IP addresses and user agents from which somebody signed in to the account."""
    outcomes = (SignInOutcome.OK, SignInOutcome.PASSWORD_CHOSEN)
    sign_ins = SignInEvent.objects.filter(account_id=account_id, at__gt=since, outcome__in=outcomes)
    sessions = Session.objects.filter(account_id=account_id, last_used_at__gt=since)
    used = {*sign_ins.order_by("-id").values_list("ip", "user_agent")[:SIGN_INS_READ]}
    used |= {*sessions.values_list("ip", "user_agent")}
    return {(ip, agent) for ip, agent in used if ip}
