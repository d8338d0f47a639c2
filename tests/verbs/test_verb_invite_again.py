"""The invitation once more."""

import pytest
from django.db import IntegrityError

from tests.account_rows import events, events_refused, row
from tests.builders import make_user
from users import access
from users.exceptions import VerbRefused
from users.mail.models import Message
from users.models import State, User
from users.verbs.invitation.verb import resend_invitation

pytestmark = pytest.mark.django_db


def test_the_mail_goes_again_with_an_event_and_the_account_stays_as_it_is():
    by = make_user("Manager")
    account = make_user(status=State.INVITED)
    before = row(account)
    resend_invitation(account, by=by)
    assert [(message.kind, message.to) for message in Message.objects.all()] == [
        ("invitation", account.email)
    ]
    [event] = events(account)
    assert (event.action, event.actor_id, event.before, event.after) == (
        "account.invited_again",
        by.pk,
        {},
        {},
    )
    assert row(account) == before


@pytest.mark.parametrize(
    "fields", [{}, {"status": State.SUSPENDED}, {"valid_until": "2020-01-01T00:00Z"}]
)
def test_only_an_invited_account_is_invited_again(fields):
    account = User.objects.get(pk=make_user(**fields).pk)
    with pytest.raises(VerbRefused, match="it has no open invitation"):
        resend_invitation(account, by=access.CommandActor("test"))
    assert not Message.objects.exists()
    assert not events()


def test_an_account_without_an_address_is_not_invited_again():
    with pytest.raises(VerbRefused, match="no address"):
        resend_invitation(make_user(status=State.INVITED, email=""), by=access.CommandActor("test"))
    assert not events()


@pytest.mark.parametrize(("role", "target"), [("Support", {}), ("Manager", {"role": "Viewer"})])
def test_who_may_not_invite_this_person_is_denied(role, target):
    account = make_user(**target, status=State.INVITED)
    with pytest.raises(access.Denied):
        resend_invitation(account, by=make_user(role))
    assert not Message.objects.exists()


def test_without_its_event_no_mail_is_written():
    account = make_user(status=State.INVITED)
    with events_refused(), pytest.raises(IntegrityError, match="full_disk"):
        resend_invitation(account, by=access.CommandActor("test"))
    assert not Message.objects.exists()
