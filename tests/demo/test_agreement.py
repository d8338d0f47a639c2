"""Demo accounts agree with the product: what a row says has its event, its email and its times, as
if staff had used Rollcall for eight years.
"""

from collections import defaultdict
from io import StringIO
from itertools import pairwise

import pytest
from django.core.management import call_command
from django.utils import timezone

from users.audit.models import AuditEvent
from users.audit.verification.chain_check import verify_chain
from users.doctor.checks import Level
from users.doctor.diagnosis import diagnose_sign_in
from users.mail.models import Message, Suppression
from users.models import State, User
from users.sessions.models import Session, SignInEvent, SignInMethod, SignInOutcome
from users.sessions.sign_in_events import is_checkable_hash
from users.sessions.store import valid_sessions

pytestmark = pytest.mark.django_db

# The event that explains each state, and the permission of whoever caused it.
CAUSES = {
    "account.invited": "users.invite_user",
    "account.suspended": "users.suspend_user",
    "account.deleted": "users.delete_user",
    "account.end_date_set": "users.set_end_date",
    "account.password_change_required": "users.require_password_change",
    "account.roles_assigned": "users.assign_roles",
}
# What a provider reports about an email causes these.
REPORTED = {"account.email_bounced", "account.consent_withdrawn", "suppression.added"}


def test_accounts_agree_with_their_events_sign_ins_sessions_and_emails(settings):
    """One test, because the seed takes longer than all the rules."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    call_command("seed", "--accounts=1000", stdout=StringIO())
    accounts = {account.pk: account for account in User.objects.prefetch_related("groups")}
    broken = [
        f"{rule.__name__}: {account.pk} {account.status}"
        for rule, rows in rules_with_rows().items()
        for account in accounts.values()
        if not rule(account, rows[account.pk])
    ]
    assert broken == []
    check_actors(accounts)
    check_diagnoses(accounts)
    verdict = verify_chain()
    assert (verdict.fault, verdict.waiting) == ("", 6), "those of named staff and of the seeding"
    assert (
        Message.objects.filter(kind="invitation").count()
        == sum(a.status == State.INVITED for a in accounts.values())
        > 5
    )
    check_reports()


def check_reports() -> None:
    """The account whose email bounced and the one that reported it have a suppressed address."""
    for fate, source in {"bounced": "invalid", "complained": "complaint"}.items():
        [message] = Message.objects.filter(fate=fate).select_related("account")
        [suppression] = Suppression.objects.filter(account_id=message.account_id)
        assert suppression.source == source
        assert bool(message.account.email_bounced_at) == (fate == "bounced")
        assert message.account.accepts_announcements == (fate == "bounced")
        events = AuditEvent.objects.filter(target_id=message.account_id, action__in=REPORTED)
        assert events.count() == 2


def rules_with_rows():
    """Returns the rows that each rule reads, by account, for each rule."""
    events = by_account(AuditEvent.objects.order_by("id"), "target_id")
    attempts = by_account(SignInEvent.objects.order_by("id"), "account_id")
    sessions = by_account(Session.objects.all(), "account_id")
    emails = by_account(Message.objects.all(), "account_id")
    return {
        has_event_of_its_state: events,
        has_values_of_its_last_event: events,
        has_times_in_order: events,
        has_password_if_seen: attempts,
        was_last_seen_at_its_last_sign_in: attempts,
        has_sessions_only_if_it_may_act: sessions,
        has_its_invitation: emails,
    }


def by_account(rows, column: str) -> defaultdict[int, list]:
    found = defaultdict(list)
    for row in rows:
        found[getattr(row, column)].append(row)
    return found


def has_event_of_its_state(account: User, events: list[AuditEvent]) -> bool:
    expected = {
        "account.invited": account.status == State.INVITED,
        "account.suspended": account.status == State.SUSPENDED,
        "account.deleted": account.status == State.DELETED,
        "account.end_date_set": account.valid_until is not None,
        "account.password_change_required": account.must_change_password,
        "account.roles_assigned": account.is_staff and account.updated_at < timezone.now(),
    }
    found = {event.action for event in events} - REPORTED
    if "account.created" in found:  # staff named after their role
        return found == {"account.created"} and account.is_staff
    return found == {action for action, wanted in expected.items() if wanted}


def has_values_of_its_last_event(account: User, events: list[AuditEvent]) -> bool:
    if not events:
        return account.version == 1 and account.updated_at == account.date_joined
    last = events[-1]
    status = {"status": account.status, "status_reason": account.status_reason}
    told = {name: last.after[name] for name in status if last.after.get(name)}
    ends_sessions = last.action in ("account.suspended", "account.deleted")
    return (
        last.target_version == account.version
        and told.items() <= status.items()
        and (last.reason == account.status_reason or not ends_sessions)
        and account.session_epoch == ends_sessions
        and (account.before_deletion is not None) == (account.status == State.DELETED)
    )


def has_times_in_order(account: User, events: list[AuditEvent]) -> bool:
    order = [account.date_joined, account.email_verified_at, account.last_seen_at]
    if account.status in (State.SUSPENDED, State.DELETED) or account.must_change_password:
        order.append(account.updated_at)
    if account.state == State.ENDED:
        order.append(account.valid_until)
    known = [time for time in order if time]
    in_order = all(first < second for first, second in pairwise(known))
    ended = account.deleted_at in (None, account.updated_at)
    created = {"account.created"} & {event.action for event in events}
    at = [event.at for event in events if not created]
    return in_order and ended and at[-1:] in ([], [account.updated_at])


def has_password_if_seen(account: User, attempts: list[SignInEvent]) -> bool:
    by_password = [a for a in attempts if a.way == SignInMethod.PASSWORD and a.succeeded]
    if not account.has_usable_password():
        secured = account.must_change_password or account.has_second_factor
        return not (by_password or account.last_login or secured)
    named = account.username.count(".") == 1 and account.email.endswith("@example.com")
    return is_checkable_hash(account.password) and bool(account.last_login or named)


def was_last_seen_at_its_last_sign_in(account: User, attempts: list[SignInEvent]) -> bool:
    last = max((attempt.at for attempt in attempts if attempt.succeeded), default=None)
    if account.status in (State.SUSPENDED, State.DELETED):
        stopped = [a for a in attempts if a.outcome == SignInOutcome.SUSPENDED]
        if any(attempt.at <= account.updated_at for attempt in stopped):
            return False
    return account.last_seen_at == account.last_login == last


def has_sessions_only_if_it_may_act(account: User, sessions: list[Session]) -> bool:
    if sessions and not account.is_active:
        return False
    return valid_sessions(account) == sessions


def has_its_invitation(account: User, emails: list[Message]) -> bool:
    invitations = [email for email in emails if email.kind == Message.Kind.INVITATION]
    if account.status != State.INVITED:
        return not invitations
    (email,) = invitations
    return (email.kind, email.state, email.to, email.created_at) == (
        Message.Kind.INVITATION,
        Message.State.SENT,
        account.email,
        account.date_joined,
    )


def check_actors(accounts: dict[int, User]) -> None:
    """Who caused an event had the role by then and signed in since; before that it was a command.

    Reasons are given where the product asks for one.
    """
    events = list(AuditEvent.objects.filter(action__in=CAUSES))
    by_staff = [event for event in events if event.actor_id]
    assert len(by_staff) > len(events) / 2
    for event in by_staff:
        actor = accounts[event.actor_id]
        assert actor.has_perm(CAUSES[event.action])
        assert actor.updated_at < event.at <= actor.last_seen_at
        assert actor.username == event.actor_text
    for event in events:
        assert event.actor_id or event.actor_text == "command bulk"
        assert event.reason or event.action in ("account.invited", "account.end_date_set")


def check_diagnoses(accounts: dict[int, User]) -> None:
    """The login doctor finds what the state says, and no password only for who never signed in."""
    expected = {
        State.INVITED: {"Invited, no password chosen yet"},
        State.SUSPENDED: {"Suspended until", "Suspended indefinitely"},
        State.DELETED: {"Deleted"},
        State.ENDED: {"Expired on"},
        State.ACTIVE: set(),
    }
    chosen = {(a.state, bool(a.last_login), bool(a.email)): a for a in accounts.values()}
    for (state, seen, _), account in chosen.items():
        diagnosis = diagnose_sign_in(account, lambda action: True)
        titles = {finding.title for finding in diagnosis.findings if finding.level == Level.STOPS}
        expired = bool(account.valid_until and account.valid_until < timezone.now())
        allowed = expected[state] | ({"Expired on"} if expired else set())
        allowed |= set() if seen else {"No password"}
        assert titles <= allowed
        assert bool(titles) == bool(expected[state] or not account.has_usable_password())
        about_mail = diagnosis.findings[5].title
        assert ("last email" in about_mail) == account.messages.exists()
        assert about_mail.startswith("The last email") or state != State.INVITED
