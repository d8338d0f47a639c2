"""Asking for a mail with a link to choose a new password."""

import pytest
from django.db import IntegrityError

from tests.account_rows import events, events_refused, row
from tests.builders import PASSWORD, make_user
from users.mail.models import Message
from users.models import State
from users.verbs.password_reset.verb import request_password_reset

pytestmark = pytest.mark.django_db


def test_an_active_account_gets_a_mail_and_nothing_of_it_changes():
    account = make_user(password=PASSWORD)
    before = row(account)
    request_password_reset(account)
    assert [(message.kind, message.to) for message in Message.objects.all()] == [
        ("password-reset", account.email)
    ]
    [event] = events(account)
    assert (event.action, event.actor_id, event.actor_text) == (
        "account.password_reset_asked",
        None,
        "nobody",
    )
    assert row(account) == before


@pytest.mark.parametrize(
    "fields", [{"status": State.SUSPENDED}, {"valid_until": "2020-01-01T00:00Z"}, {"email": ""}]
)
def test_an_account_that_is_not_active_or_has_no_address_gets_none(fields):
    request_password_reset(make_user(**fields))
    assert not Message.objects.exists()
    assert not events()


def test_who_was_invited_gets_the_invitation_again():
    account = make_user(status=State.INVITED)
    request_password_reset(account)
    assert [(message.kind, message.to) for message in Message.objects.all()] == [
        ("invitation", account.email)
    ]
    assert [(event.action, event.actor_text) for event in events(account)] == [
        ("account.invited_again", "nobody")
    ]


def test_without_its_event_no_mail_is_written():
    account = make_user()
    with events_refused(), pytest.raises(IntegrityError, match="full_disk"):
        request_password_reset(account)
    assert not Message.objects.exists()
