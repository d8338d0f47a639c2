"""Ties between the person who started a job and someone who would approve it: invitations, roles,
emails and ways to sign in that one gave the other, and a browser that both have used.

A second account of the same person is no second person. Ties count for BULK_APPROVAL_TIE_DAYS.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from users.audit.models import AuditEvent
from users.database.clock import current_time
from users.models import User
from users.sessions.known_devices import DEVICE_KEY
from users.sessions.models import Session, SignInEvent, SignInOutcome
from users.web.time_html import date_text

# Events that give power over an account, and what their actor did, as verb phrases.
GRANTING_ACTIONS = {
    "account.created": "created {whom}",
    "account.imported": "imported {whom}",
    "account.invited": "invited {whom}",
    "account.invited_again": "invited {whom}",
    "account.oidc_linked": "linked {whose} account to single sign-on",
}
# Fields in an event whose change gives power over an account, and what that is called.
GRANTS = {
    "groups": "roles",
    "is_staff": "access level",
    "is_superuser": "access level",
    "email": "email address",
    # Of an import.
    "password": "password",
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
    since = current_time() - timedelta(days=settings.BULK_APPROVAL_TIE_DAYS)
    ties = granted_ties(initiator, approver, since)
    if not ties and initiator.pk in grantors(approver.pk, since):
        ties.append(f"Your access comes from {initiator}, through other people.")
    if not ties and approver.pk in grantors(initiator.pk, since):
        ties.append(f"The access of {initiator} comes from you, through other people.")
    # One person tries all roles of a demo.
    is_demo = settings.DEMO_SIGN_IN
    if not is_demo and device_digests(approver.pk, since) & device_digests(initiator.pk, since):
        ties.append(f"You and {initiator} have used the same browser.")
    return ties


def find_hints(initiator: User, approver: User) -> list[str]:
    """Returns a sentence if the two have signed in with browsers of one kind at one IP address, as
    colleagues in an office do, and as one person with two accounts does. It stops no approval, but
    is shown to the approver and recorded with the approval.
    """
    since = current_time() - timedelta(days=settings.BULK_APPROVAL_TIE_DAYS)
    if not sign_in_origins(approver.pk, since) & sign_in_origins(initiator.pk, since):
        return []
    return [f"{approver} and {initiator} have used the same kind of browser at one IP address."]


def granted_ties(initiator: User, approver: User, since: datetime) -> list[str]:
    """Returns a sentence about the last event of each kind between the two."""
    given = last_grants(initiator, approver, since)
    returned = last_grants(approver, initiator, since)
    sentences = []
    for grant, at in given.items():
        action_words = grant.format(whom="you", whose="your")
        sentences.append(f"{initiator} {action_words} on {at}.")
    for grant, at in returned.items():
        action_words = grant.format(whom=initiator, whose=f"{initiator}’s")
        sentences.append(f"You {action_words} on {at}.")
    return sentences


def last_grants(actor: User, target: User, since: datetime) -> dict[str, str]:
    """Returns the last date of each kind of grant from one person to another."""
    events = access_events(since).filter(actor_id=actor.pk, target_id=target.pk)
    dates = {}
    for event in events.order_by("id"):
        date = date_text(timezone.localtime(event.at))
        for grant in event_grants(event):
            dates[grant] = date
    return dates


def access_events(since: datetime) -> Any:
    """Returns the events about accounts that name an actor."""
    return AuditEvent.objects.filter(
        at__gt=since, actor_id__isnull=False, action__startswith="account."
    )


def event_grants(event: AuditEvent) -> list[str]:
    """Returns what the actor gave the target with this event, as verb phrases."""
    if phrase := GRANTING_ACTIONS.get(event.action):
        return [phrase]
    fields = event.after or {}
    given = set()
    for field, label in GRANTS.items():
        if field in fields:
            given.add(f"changed {{whose}} {label}")
    return sorted(given)


def grantors(account_id: int, since: datetime) -> set[int]:
    """Returns the ids of all from whom the account's access comes, directly or through others."""
    found: set[int] = set()
    latest = {account_id}
    for _ in range(CHAIN_LENGTH):
        actors: set[Any] = set()
        for event in access_events(since).filter(target_id__in=latest):
            if event_grants(event):
                actors.add(event.actor_id)
        latest = actors - found - {account_id}
        if not latest:
            break
        found |= latest
    return found


def device_digests(account_id: int, since: datetime) -> set[str]:
    """Returns the digests of the browsers in which someone used the account, whatever their
    addresses were.
    """
    sign_ins = recent_sign_ins(account_id, since).exclude(device="")
    used = {*sign_ins.values_list("device", flat=True)[:SIGN_INS_READ]}
    for session in recent_sessions(account_id, since):
        used.add(session.get_decoded().get(DEVICE_KEY, ""))
    return used - {""}


def recent_sign_ins(account_id: int, since: datetime) -> QuerySet[SignInEvent]:
    outcomes = (SignInOutcome.OK, SignInOutcome.PASSWORD_CHOSEN)
    sign_ins = SignInEvent.objects.filter(
        account_id=account_id,
        at__gt=since,
        outcome__in=outcomes,
    )
    return sign_ins.order_by("-id")


def recent_sessions(account_id: int, since: datetime) -> QuerySet[Session]:
    return Session.objects.filter(account_id=account_id, last_used_at__gt=since)


def sign_in_origins(account_id: int, since: datetime) -> set[tuple[str, str]]:
    """Returns the IP addresses and user agents from which someone signed in to the account."""
    sign_ins = recent_sign_ins(account_id, since)
    used = {*sign_ins.values_list("ip", "user_agent")[:SIGN_INS_READ]}
    used |= {*recent_sessions(account_id, since).values_list("ip", "user_agent")}
    # An unknown address is nobody's.
    return {(ip, agent) for ip, agent in used if ip}
