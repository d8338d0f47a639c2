"""Writing to a person: users.verbs.letter.verb.send_letter"""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import timezone

from tests.account_rows import events, events_refused, row
from tests.builders import make_superuser, make_user
from tests.threads import at_once
from users.access import CommandActor, Denied
from users.exceptions import VerbRefused
from users.mail.models import Letter, Message
from users.models import State, User
from users.verbs.letter.verb import send_letter

pytestmark = pytest.mark.django_db
COMMAND = CommandActor("test")
NOW = timezone.now()


def make_reachable(**fields) -> User:
    return make_user(**{"email_verified_at": NOW} | fields)


def write(account: User, by=COMMAND, **fields) -> User:
    return send_letter(
        account, by=by, **{"subject": "Your order", "text": "Dear {name},\r\nit came."} | fields
    )


def test_a_letter_is_kept_once_and_its_mail_waits_and_nothing_of_the_account_changes():
    agent = make_user("Support")
    ada = make_reachable(first_name="Ada")
    before = row(ada)
    write(ada, by=agent)
    letter = Letter.objects.get()
    assert (letter.subject, letter.text, letter.is_bulk) == (
        "Your order",
        "Dear {name},\nit came.",
        False,
    )
    message = Message.objects.get()
    assert (message.account, message.kind, message.to, message.letter, message.is_bulk) == (
        ada,
        "letter",
        ada.email,
        letter,
        False,
    )
    assert row(ada) == before


def test_the_event_names_the_letter_and_nothing_of_what_it_says():
    ada = make_reachable(first_name="Ada")
    write(ada, subject="About {name}", text="Secret {email}")
    [event] = events(ada)
    assert (event.action, event.before, event.after, event.reason) == (
        "account.written_to",
        {},
        {"letter": Letter.objects.get().pk},
        "",
    )


@pytest.mark.parametrize(
    "fields",
    [{"status": State.SUSPENDED}, {"status": State.INVITED}, {"valid_until": "2020-01-01T00:00Z"}],
)
def test_whoever_is_there_can_be_written_to(fields):
    write(make_reachable(**fields))
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"email": ""}, "no address"),
        ({"email_verified_at": None}, "not verified"),
        ({"email_bounced_at": NOW}, "bounce"),
        ({"status": State.DELETED, "deleted_at": NOW}, "is deleted"),
        ({"status": State.ERASED, "deleted_at": NOW}, "is erased"),
    ],
)
def test_who_can_not_be_reached_is_not_written_to(fields, says):
    with pytest.raises(VerbRefused, match=says):
        write(make_reachable(**fields))
    assert not Message.objects.exists()
    assert not Letter.objects.exists()
    assert not events()


def test_the_same_letter_is_written_again_a_minute_later_and_another_one_at_once():
    ada = make_reachable()
    write(ada)
    with pytest.raises(VerbRefused, match="was just sent"):
        write(ada)
    write(ada, text="Something else")
    Message.objects.update(created_at=timezone.now() - timedelta(minutes=2), state="sent")
    write(ada)
    assert Message.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_two_clicks_are_one_letter():
    ada = make_reachable()
    answers = at_once(*[lambda: write(ada)] * 2)
    assert sorted(type(answer).__name__ for answer in answers) == ["User", "VerbRefused"]
    assert (Letter.objects.count(), Message.objects.count(), len(events(ada))) == (1, 1, 1)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"subject": " "}, "Write something"),
        ({"text": "\n"}, "Write something"),
        ({"subject": "x" * 151}, "at most 150"),
        ({"text": "x" * 10_001}, "at most 10,000"),
        ({"subject": "a\nBcc: b@example.com"}, "U+000A"),
        ({"text": "a\x00b"}, "U+0000"),
        ({"text": "\u202egnirts"}, "U+202E"),
        ({"text": "Dear {password}"}, "Unknown placeholder {password}. Available: {name}, "),
        ({"subject": "{ nmae }"}, "Unknown placeholder { nmae }"),
    ],
)
def test_what_can_not_be_sent_is_named(fields, says):
    ada = make_reachable()
    with pytest.raises(ValidationError) as caught:
        write(ada, **fields)
    assert list(caught.value.error_dict) == list(fields)
    assert says in str(caught.value.messages[0])
    assert not Letter.objects.exists()


def test_it_takes_a_permission_of_its_own():
    auditor = make_user("Auditor")
    ada = make_reachable()
    with pytest.raises(Denied, match="can send emails to people"):
        write(ada, by=auditor)
    with pytest.raises(Denied):
        write(make_superuser(email_verified_at=NOW), by=make_user("Support"))
    assert not Letter.objects.exists()


def test_without_its_event_nothing_is_written():
    ada = make_reachable()
    with events_refused(), pytest.raises(IntegrityError, match="full_disk"):
        write(ada)
    assert not Message.objects.exists()
