"""Suspending and reinstating."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth import get_user
from django.core.exceptions import ValidationError
from django.utils import timezone

from tests.account_rows import events, row
from tests.builders import PASSWORD, make_superuser, make_user
from users import access
from users.exceptions import VerbRefused
from users.models import State, User
from users.verbs.profile.verb import edit_profile
from users.verbs.reinstatement.verb import reinstate_account
from users.verbs.suspension.verb import suspend_account
from users.web.forms import REASON_MAX

pytestmark = pytest.mark.django_db
COMMAND = access.CommandActor("test")
NOON = datetime(2099, 3, 1, 12, tzinfo=UTC)


def state_of(account: User) -> State:
    return User.objects.get(pk=account.pk).state


def test_a_suspended_account_is_not_active_and_the_event_says_why_and_until_when():
    account = make_user()
    suspend_account(account, by=make_user("Support"), reason="  Lost laptop ", until=NOON)
    stored = User.objects.get(pk=account.pk)
    assert (stored.state, stored.is_active, stored.status_reason, stored.suspended_until) == (
        State.SUSPENDED,
        False,
        "Lost laptop",
        NOON,
    )
    [event] = events(account)
    assert event.reason == "Lost laptop"
    assert event.before == {"status": "active", "status_reason": "", "suspended_until": None}
    assert event.after == {
        "status": "suspended",
        "status_reason": "Lost laptop",
        "suspended_until": "2099-03-01T12:00:00Z",
    }


def test_a_suspension_ends_the_sessions_for_good(client, rf):
    account = make_user(password=PASSWORD)
    client.force_login(account)

    def visitor():
        request = rf.get("/me/")
        request.session = client.session
        return get_user(request)

    assert visitor() == account
    suspend_account(account, by=COMMAND, reason="Lost laptop")
    assert visitor().is_anonymous
    reinstate_account(account, by=COMMAND)
    assert visitor().is_anonymous


def test_a_suspension_with_an_end_is_over_at_that_moment():
    account = make_user()
    suspend_account(account, by=COMMAND, reason="Holiday", until=NOON)
    with patch("django.utils.timezone.now", return_value=NOON - timedelta(microseconds=1)):
        assert state_of(account) == State.SUSPENDED
    with patch("django.utils.timezone.now", return_value=NOON):
        assert state_of(account) == State.ACTIVE


@pytest.mark.parametrize(
    "fields", [{}, {"status": State.INVITED}, {"valid_until": "2020-01-01T00:00Z"}]
)
def test_an_active_an_invited_and_an_ended_account_can_be_suspended(fields):
    account = make_user(**fields)
    suspend_account(account, by=COMMAND, reason="Leaver")
    assert state_of(account) == State.SUSPENDED


def test_an_account_whose_suspension_has_run_out_can_be_suspended_again():
    account = make_user(status=State.SUSPENDED, suspended_until="2020-01-01T00:00Z")
    suspend_account(account, by=COMMAND, reason="Once more")
    stored = User.objects.get(pk=account.pk)
    assert (stored.status_reason, stored.suspended_until) == ("Once more", None)


@pytest.mark.parametrize(
    "fields", [{"status": State.SUSPENDED}, {"status": State.DELETED, "deleted_at": NOON}]
)
def test_an_account_that_is_suspended_or_gone_is_not_suspended(fields):
    account = make_user(**fields)
    before = row(account)
    with pytest.raises(VerbRefused, match="This account is already"):
        suspend_account(account, by=COMMAND, reason="Again")
    assert (row(account), events()) == (before, [])


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 2001, "a\x00b", "a\ud800b"])
def test_a_reason_is_needed_and_must_be_storable(reason):
    account = make_user()
    with pytest.raises(ValidationError) as caught:
        suspend_account(account, by=COMMAND, reason=reason)
    assert list(caught.value.message_dict) == ["reason"]
    assert state_of(account) == State.ACTIVE


def test_the_longest_reason_is_kept_as_it_was_typed():
    reason = "Zeile 1\nZeile 2 " + "é" * (REASON_MAX - 16)
    account = make_user()
    suspend_account(account, by=COMMAND, reason=reason)
    assert (row(account)["status_reason"], events()[0].reason) == (reason, reason)


@pytest.mark.parametrize("until", [timezone.now(), datetime(2020, 1, 1, tzinfo=UTC)])
def test_an_end_that_has_passed_is_refused(until):
    with pytest.raises(ValidationError) as caught:
        suspend_account(make_user(), by=COMMAND, reason="Holiday", until=until)
    assert list(caught.value.message_dict) == ["until"]


# --- the last superuser ---------------------------------------------------------------------------


def make_keyless_superusers() -> None:
    """Superusers who do not count: suspended, ended, or about to end."""
    make_superuser(status=State.SUSPENDED)
    make_superuser(valid_until="2020-01-01T00:00Z")
    make_superuser(valid_until="2099-01-01T00:00Z")


def test_the_last_active_superuser_cannot_be_suspended_by_anybody():
    make_keyless_superusers()
    last = make_superuser()
    before = row(last)
    with pytest.raises(VerbRefused, match="last active superuser"):
        suspend_account(last, by=COMMAND, reason="Coup")
    assert (row(last), events()) == (before, [])


def test_one_of_two_superusers_can_be_suspended():
    first = make_superuser()
    second = make_superuser()
    suspend_account(first, by=second, reason="Leaver")
    assert state_of(first) == State.SUSPENDED


def test_a_superuser_who_does_not_count_can_be_suspended_beside_the_last_one():
    make_superuser()
    ending = make_superuser(valid_until="2099-01-01T00:00Z")
    suspend_account(ending, by=COMMAND, reason="Leaver")
    assert state_of(ending) == State.SUSPENDED


def test_the_last_superuser_can_still_be_edited():
    last = make_superuser()
    assert edit_profile(last, by=last, version=1, first_name="Root").first_name == "Root"
