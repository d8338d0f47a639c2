"""The demo's past at the door: bounded, in order, and true to the accounts."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.builders import make_user
from users.demo import signins
from users.models import User
from users.sessions.models import Session, SignInEvent, SignInOutcome
from users.sessions.store import valid_sessions

pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded() -> str:
    output = StringIO()
    call_command("seed", "--accounts=600", stdout=output)
    return output.getvalue()


def test_attempts_are_written_in_the_order_of_their_times_and_fit_their_accounts(seeded):
    attempts = list(SignInEvent.objects.order_by("id"))
    assert f"Wrote {len(attempts):,} sign-in attempts" in seeded
    assert [attempt.at for attempt in attempts] == sorted(attempt.at for attempt in attempts)
    accounts = {account.pk: account for account in User.objects.all()}
    latest = {
        attempt.account_id: attempt.at
        for attempt in attempts
        if attempt.outcome == SignInOutcome.OK
    }
    assert latest == {pk: accounts[pk].last_seen_at for pk in latest}
    assert all(
        accounts[attempt.account_id].date_joined <= attempt.at + timedelta(minutes=1)
        for attempt in attempts
    )
    assert {"ok", "wrong-password", "suspended"} <= {attempt.outcome for attempt in attempts}
    assert max(attempt.at for attempt in attempts) <= timezone.now()


def test_sessions_stand_for_accounts_that_may_act_and_were_seen_lately(seeded):
    sessions = Session.objects.all()
    assert len(sessions) > 20
    for session in sessions[:20]:
        account = User.objects.get(pk=session.account_id)
        assert session in valid_sessions(account)
        assert account.is_active
        assert account.last_seen_at == session.last_used_at
    client = Client()
    client.cookies["session"] = sessions[0].session_key
    assert client.get("/me/").status_code == 200


def test_keys_are_never_the_same_twice_whatever_the_seed():
    account = make_user()
    last = SignInEvent(account_id=account.pk, at=timezone.now(), ip="10.0.0.7")
    made = {signins.make_session(account, last).session_key for _ in range(20)}
    assert len(made) == 20
    assert {len(key) for key in made} == {32}


def test_however_many_accounts_there_are_few_are_looked_at(monkeypatch):
    monkeypatch.setattr(signins, "SIGNIN_ACCOUNTS", 10)
    for number in range(40):
        make_user(is_staff=number % 2 == 0)
    with CaptureQueriesContext(connection) as queries:
        assert len(signins.signin_accounts(0)) <= 12
    assert len(queries) == 2
