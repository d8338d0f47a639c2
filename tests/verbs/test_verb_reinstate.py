"""Reinstating: the end of a suspension."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from tests.account_rows import events, row
from tests.builders import PASSWORD, make_superuser, make_user
from users import access
from users.exceptions import VerbRefused
from users.models import State, User
from users.verbs.reinstatement.verb import reinstate_account

pytestmark = pytest.mark.django_db
COMMAND = access.CommandActor("test")


def test_a_reinstated_account_is_active_and_nothing_is_left_of_the_suspension():
    account = make_user(
        status=State.SUSPENDED,
        status_reason="Lost",
        suspended_until="2099-03-01T12:00Z",
        password=PASSWORD,
    )
    reinstate_account(account, by=make_user("Support"), reason=" Found ")
    stored = User.objects.get(pk=account.pk)
    assert (stored.state, stored.status_reason, stored.suspended_until) == (State.ACTIVE, "", None)
    [event] = events(account)
    assert (event.action, event.reason) == ("account.reinstated", "Found")
    assert event.before == {
        "status": "suspended",
        "status_reason": "Lost",
        "suspended_until": "2099-03-01T12:00:00Z",
    }
    assert event.after == {"status": "active", "status_reason": "", "suspended_until": None}


def test_an_account_that_never_had_a_password_waits_for_its_owner_again():
    account = make_user(status=State.SUSPENDED)
    assert reinstate_account(account, by=COMMAND).state == State.INVITED


def test_an_account_that_signed_in_some_other_way_is_active_again():
    account = make_user(status=State.SUSPENDED, last_login=timezone.now())
    assert reinstate_account(account, by=COMMAND).state == State.ACTIVE


def test_a_suspension_that_has_run_out_can_be_tidied_away():
    account = make_user(
        status=State.SUSPENDED, suspended_until="2020-01-01T00:00Z", password=PASSWORD
    )
    assert reinstate_account(account, by=COMMAND).status == State.ACTIVE
    assert len(events(account)) == 1


@pytest.mark.parametrize(
    "fields",
    [{}, {"status": State.INVITED}, {"status": State.DELETED, "deleted_at": timezone.now()}],
)
def test_only_a_suspended_account_is_reinstated(fields):
    account = make_user(**fields)
    before = row(account)
    with pytest.raises(VerbRefused, match="not suspended"):
        reinstate_account(account, by=COMMAND)
    assert (row(account), events()) == (before, [])


def test_reinstating_does_not_lengthen_an_account_whose_time_is_over():
    account = make_user(status=State.SUSPENDED, valid_until="2020-01-01T00:00Z", password=PASSWORD)
    assert reinstate_account(account, by=COMMAND).state == State.ENDED


@pytest.mark.parametrize("reason", ["x" * 2001, "a\x00b", "a\udfffb"])
def test_a_reason_that_cannot_be_stored_is_an_error(reason):
    with pytest.raises(ValidationError) as caught:
        reinstate_account(make_user(status=State.SUSPENDED), by=COMMAND, reason=reason)
    assert list(caught.value.message_dict) == ["reason"]


def test_a_suspended_superuser_is_reinstated_by_a_superuser_only():
    root = make_superuser(status=State.SUSPENDED)
    with pytest.raises(access.Denied, match="Only a superuser"):
        reinstate_account(root, by=make_user("Administrator"))
    assert reinstate_account(root, by=make_superuser()).status != State.SUSPENDED
