"""The rollups agree with plain counts after any changes, however their runs are spread."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO
from random import Random
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.utils import timezone

from tests.builders import make_superuser, make_user
from tests.bulk.populations import population
from tests.bulk.running import run, work
from tests.transfer.imports.importer import import_file
from users.access import Denied
from users.audit.chain import seal_waiting_events
from users.audit.models import AuditEvent
from users.bulk import undo
from users.bulk.undo_rules import UNDO_KINDS
from users.campaigns.models import Campaign
from users.dashboard import figures, rollups
from users.dashboard.daily_counts import CREATIONS
from users.dashboard.models import DailyCount, RollupPosition, StateCount
from users.exceptions import JobRefused, VerbRefused
from users.jobs.models import Job
from users.mail.models import Letter, Message
from users.models import State, User
from users.sessions.models import SignInEvent, SignInOutcome
from users.verbs.deletion.verb import delete_account
from users.verbs.end_date.verb import set_end_date
from users.verbs.end_date_removal.verb import clear_end_date
from users.verbs.erasure.verb import erase_account
from users.verbs.invitation.verb import invite_user
from users.verbs.password_reset.verb import choose_password
from users.verbs.reinstatement.verb import reinstate_account
from users.verbs.restoration.verb import restore_account
from users.verbs.suspension.verb import suspend_account

pytestmark = pytest.mark.django_db
SOON = timedelta(hours=1)
TODAY = datetime.now(UTC).date()


def invite_somebody(account: User, by: User) -> None:
    number = User.objects.latest("pk").pk
    invite_user(by=by, username=f"new{number}", email=f"new{number}@example.com")


VERBS: list[Any] = [
    invite_somebody,
    lambda account, by: choose_password(account, "a-long-enough-passphrase"),
    lambda account, by: suspend_account(account, by=by, reason="x"),
    lambda account, by: suspend_account(account, by=by, reason="x", until=timezone.now() + SOON),
    lambda account, by: reinstate_account(account, by=by),
    lambda account, by: set_end_date(account, by=by, until=timezone.now() + SOON),
    lambda account, by: clear_end_date(account, by=by),
    lambda account, by: delete_account(account, by=by, reason="x"),
    lambda account, by: restore_account(account, by=by),
    lambda account, by: erase_account(account, by=by, reason="x"),
]
BULK: list[tuple[str, dict[str, Any]]] = [
    ("suspension", {}),
    ("suspension", {"until": "hour"}),
    ("reinstatement", {}),
    ("end-date", {"until": "hour"}),
    ("end-date-removal", {}),
    ("deletion", {}),
    ("restoration", {}),
    ("erasure", {}),
]


def act(random: Random, root: User, folder) -> None:
    """Changes one account or some, in one of all ways. Refusals are fine. Some accounts are
    changed often, so that an erasure meets changes that are not counted.
    """
    newest = User.objects.exclude(pk=root.pk).order_by("-pk")
    accounts = random.sample(list(newest[: random.choice([4, 100])]), 3)
    choice = random.random()
    try:
        if choice < 0.7:
            random.choice(VERBS)(accounts[0], root)
        elif choice < 0.85:
            run_bulk(random, accounts, root)
        elif choice < 0.95:
            undo_newest(root)
        else:
            import_somebody(folder)
    except (VerbRefused, Denied, ValidationError, JobRefused):
        pass


def run_bulk(random: Random, accounts: list[User], root: User) -> None:
    slug, parameters = random.choice(BULK)
    if parameters:
        parameters = {"until": (timezone.now() + SOON).isoformat()}
    run(slug, accounts, by=root, parameters=parameters)


def undo_newest(root: User) -> None:
    job = Job.objects.filter(state=Job.State.DONE, kind__in=UNDO_KINDS).last()
    if job:
        work(undo.undo_job(job, by=root, reason="x"))


def import_somebody(folder) -> None:
    number = User.objects.latest("pk").pk
    file = folder / f"{number}.csv"
    file.write_text(f"username,email\nimported{number},imported{number}@example.com\n")
    import_file(file)


def expire_something(random: Random) -> None:
    """Lets a suspension or an end date pass, as time does."""
    past = timezone.now() - SOON
    column = random.choice(["suspended_until", "valid_until"])
    chosen = User.objects.filter(**{f"{column}__gt": past}).order_by("?")[:1]
    User.objects.filter(pk__in=list(chosen.values_list("pk", flat=True))).update(**{column: past})


def shown_states() -> dict[str, int]:
    return {state: number for state, number, _ in figures.load_states()}


def counted_states() -> dict[str, int]:
    return {state: User.objects.in_state(state).count() for state in State}


def stored_days() -> Counter[tuple[str, Any]]:
    """Returns the values as the plots sum them."""
    found: Counter[tuple[str, Any]] = Counter()
    for row in DailyCount.objects.all():
        found[figures.metric_name(row.metric), row.day] += row.value
    return found


def counted_days() -> Counter[tuple[str, Any]]:
    """Returns the same, counted one by one in Python."""
    found: Counter[tuple[str, Any]] = Counter()
    for event in AuditEvent.objects.all():
        found.update((name, event.at.date()) for name in event_metrics(event))
    for event in SignInEvent.objects.all():
        found["sign_ins" if event.succeeded else "sign_in_failures", event.at.date()] += 1
    for message in Message.objects.filter(state__in=["sent", "failed"]):
        found[f"emails_{message.state}", message.created_at.date()] += 1
    return found


def event_metrics(event: AuditEvent) -> list[str]:
    names = []
    if event.action in CREATIONS:
        names.append("sign_ups")
    if event.action == "account.suspended":
        names.append("suspensions")
    by_staff = event.actor_id is not None and event.actor_id != event.target_id
    decides = event.action.startswith("job.") and event.action not in (
        "job.done",
        "job.parked",
        "job.approval_asked",
        "job.list_downloaded",
    )
    if by_staff and event.action != "denied" and (event.job_id is None or decides):
        names.append("staff_actions")
    return names


def advance() -> None:
    seal_waiting_events()
    assert rollups.advance_rollups()


@pytest.mark.parametrize("seed", range(2))
def test_rollups_are_exact_after_random_changes(seed, tmp_path, monkeypatch, settings):
    """Sealing and the rollup run at any time, in ranges of a few rows, and are sometimes rebuilt
    while events wait to be sealed.
    """
    settings.BULK_APPROVAL_ABOVE_FOR = {"erase": 100}
    monkeypatch.setattr(rollups, "RANGE_SIZE", 7)
    monkeypatch.setattr(rollups, "SIGN_IN_DELAY", timedelta(0))
    random = Random(seed)
    root = make_superuser()
    population(timezone.now())
    rollups.advance_rollups()
    for _ in range(50):
        act(random, root, tmp_path)
        if random.random() < 0.2:
            expire_something(random)
        if random.random() < 0.2:
            SignInEvent.objects.create(outcome=random.choice(SignInOutcome.values))
        if random.random() < 0.15:
            seal_waiting_events()
        if random.random() < 0.1:
            rollups.advance_rollups()
        if random.random() < 0.05:
            rollups.rebuild_states()
    advance()
    assert shown_states() == counted_states()
    assert stored_days() == counted_days()
    before = set(StateCount.objects.values_list("state", "stored", "shown"))
    call_command("rebuild_rollups", stdout=StringIO())
    assert set(StateCount.objects.values_list("state", "stored", "shown")) == before
    assert stored_days() == counted_days()
    advance()
    assert shown_states() == counted_states()


def test_an_erasure_does_not_lose_changes_that_wait_to_be_counted():
    root = make_superuser()
    account = make_user()
    advance()
    suspend_account(account, by=root, reason="x")
    erase_account(account, by=root, reason="x")
    advance()
    assert shown_states() == counted_states()


def test_a_row_that_is_committed_late_is_counted(monkeypatch):
    """The rollup stops before the first row that is not settled, and at a row that exists."""
    now = timezone.now()
    for pk, age in ((3, 120), (4, 90), (6, 5)):
        SignInEvent.objects.create(pk=pk, outcome="ok", at=now - timedelta(seconds=age))
    rollups.advance_sign_ins()
    assert RollupPosition.objects.get(pk="sign_ins").position == 4
    SignInEvent.objects.create(pk=5, outcome="ok", at=now - timedelta(seconds=10))
    monkeypatch.setattr(rollups, "SIGN_IN_DELAY", timedelta(0))
    rollups.advance_sign_ins()
    assert sum(DailyCount.objects.values_list("value", flat=True)) == 4


def test_gaps_between_ids_cost_no_steps(monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(rollups, "RANGE_SIZE", 2)
    old = timezone.now() - timedelta(days=3)
    for pk in (1, 2, 3, 10**12, 10**12 + 1):
        SignInEvent.objects.create(pk=pk, outcome="ok", at=old)
    with django_assert_max_num_queries(40):
        while not rollups.advance_sign_ins():
            pass
    assert sum(DailyCount.objects.values_list("value", flat=True)) == 5


def test_an_email_counts_by_its_last_state():
    account = make_user()
    old = timezone.now() - timedelta(days=3)
    states = ("sent", "failed", "waiting", "sent", "sent")
    messages = [
        Message.objects.create(
            account=account, kind="verification", to="x@example.com", state=state, created_at=old
        )
        for state in states
    ]
    rollups.advance_emails()
    assert RollupPosition.objects.get(pk="emails").position == messages[1].pk
    Message.objects.filter(pk=messages[2].pk).update(state="failed")
    rollups.advance_emails()
    rollups.advance_emails()
    assert stored_days() == {("emails_sent", old.date()): 3, ("emails_failed", old.date()): 2}
    assert RollupPosition.objects.get(pk="emails").position == messages[4].pk


def test_campaigns_count_their_emails_and_hold_up_no_others():
    """An announcement may wait for a month, and may be sent after it has failed."""
    old = timezone.now() - timedelta(days=3)
    letter = Letter.objects.create(subject="News", text="Dear {name},", is_bulk=True)
    counts = [["sent", "delivered", 3], ["sent", "", 4], ["failed", "", 2], ["waiting", "", 9]]
    campaign = Campaign.objects.create(
        name="News", letter=letter, started_at=old, counts=counts, state="sending"
    )
    account = make_user()
    for kind, state in (("announcement", "waiting"), ("verification", "sent")):
        last = Message.objects.create(
            account=account, kind=kind, to="x@example.com", state=state, created_at=old
        )
    rollups.advance_emails()
    assert RollupPosition.objects.get(pk="emails").position == last.pk
    assert stored_days() == {("emails_sent", old.date()): 8, ("emails_failed", old.date()): 2}
    Campaign.objects.filter(pk=campaign.pk).update(counts=[["sent", "", 18]])
    rollups.advance_emails()
    assert stored_days() == Counter({("emails_sent", old.date()): 19})


def test_days_are_in_utc():
    late = datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)
    for at in (late, late + timedelta(seconds=1)):
        SignInEvent.objects.create(outcome="unknown", at=at)
    with timezone.override("Asia/Tokyo"):
        rollups.advance_sign_ins()
    assert stored_days() == {
        ("sign_in_failures", late.date()): 1,
        ("sign_in_failures", datetime(2026, 4, 1, tzinfo=UTC).date()): 1,
    }
