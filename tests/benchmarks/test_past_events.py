"""bin/bench --events: the past that it writes is one that pages show."""

import pytest

from benchmarks import past_events
from tests.builders import make_superuser, make_user
from users.audit import chain
from users.audit.models import AuditEvent
from users.mail.models import Message
from users.models import User
from users.sessions.models import Session, SignInEvent
from users.verbs.impact import account_impact
from users.verbs.suspension.verb import suspend_account

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


@pytest.fixture
def accounts() -> int:
    for number in range(9):
        make_user("Support" if number == 4 else "", username=f"person{number}")
    return User.objects.count()


def test_each_account_gets_its_share_and_one_of_them_a_fiftieth(accounts):
    past_events.write_events(events=200)
    passes = round(200 / accounts)
    busy = past_events.busy_account()
    others = User.objects.exclude(pk=busy).values_list("pk", flat=True)
    assert {AuditEvent.objects.filter(target_id=pk).count() for pk in others} == {passes}
    assert AuditEvent.objects.filter(target_id=busy).count() == passes + 4
    for rows in (SignInEvent, Session):
        assert rows.objects.filter(account_id=busy).count() == rows.objects.count() == 4
    assert Message.objects.filter(account_id=busy, state="waiting").count() == 4
    assert account_impact(User.objects.get(pk=busy)).sessions == 4


def test_what_is_there_is_not_written_again(accounts):
    past_events.write_events(events=200)
    there = AuditEvent.objects.count(), Session.objects.count()
    past_events.write_events(events=200)
    assert (AuditEvent.objects.count(), Session.objects.count()) == there
    past_events.write_events(events=200 + accounts)
    assert (AuditEvent.objects.count(), Session.objects.count()) == (there[0] + accounts, there[1])


def test_the_chain_goes_on_after_it(accounts):
    past_events.write_events(events=50)
    last = AuditEvent.objects.latest("chain_position").chain_position
    suspend_account(
        User.objects.get(pk=past_events.busy_account()), by=make_superuser(), reason="Afterwards"
    )
    chain.seal_waiting_events()
    assert AuditEvent.objects.latest("pk").chain_position == AuditEvent.objects.count() > last
