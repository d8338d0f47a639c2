"""Choosing a password: accepting an invitation, a reset, a change of one's own."""

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.db import IntegrityError

from tests.account_rows import events, events_refused, row
from tests.builders import PASSWORD, make_user
from users.models import State, User
from users.verbs.password_reset.verb import choose_password

pytestmark = pytest.mark.django_db


def test_choosing_a_password_accepts_an_invitation_and_proves_the_address():
    account = make_user(status=State.INVITED)
    choose_password(account, PASSWORD)
    stored = User.objects.get(pk=account.pk)
    assert stored.check_password(PASSWORD)
    assert (stored.state, stored.version) == (State.ACTIVE, 2)
    assert stored.email_verified_at
    [event] = events(account)
    assert (event.action, event.actor_id, event.after) == (
        "account.invitation_accepted",
        account.pk,
        {"status": "active"},
    )


def test_a_new_password_ends_all_sessions_and_what_was_asked_for_before():
    account = make_user(password="the-old-passphrase", must_change_password=True)
    hash_before = account.get_session_auth_hash()
    token = default_token_generator.make_token(account)
    stored = choose_password(account, PASSWORD)
    assert stored.get_session_auth_hash() != hash_before
    assert not default_token_generator.check_token(stored, token)
    assert (stored.must_change_password, stored.session_epoch) == (False, 1)


def test_no_event_ever_holds_a_password():
    account = make_user()
    choose_password(account, PASSWORD)
    [event] = events(account)
    assert (event.action, event.before, event.after, event.reason) == (
        "account.password_changed",
        {},
        {},
        "",
    )


def test_the_address_of_an_account_that_was_never_invited_stays_unverified():
    account = make_user()
    choose_password(account, PASSWORD)
    assert row(account)["email_verified_at"] is None


@pytest.mark.parametrize(
    "fields", [{"status": State.SUSPENDED}, {"valid_until": "2020-01-01T00:00Z"}]
)
def test_a_link_that_is_still_around_opens_no_closed_account(fields):
    account = make_user(**fields)
    assert not choose_password(account, PASSWORD).is_active


def test_a_password_may_be_any_text():
    for password in ("пароль-из-букв", "🔑" * 12, " spaces kept ", "x" * 4096):
        assert choose_password(make_user(), password).check_password(password)


def test_without_its_event_the_password_stays():
    account = make_user(status=State.INVITED)
    before = row(account)
    with events_refused(), pytest.raises(IntegrityError, match="full_disk"):
        choose_password(account, PASSWORD)
    assert row(account) == before
