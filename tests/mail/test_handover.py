"""What is stored of the messages that one drain hands over, before and after each."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.mail.sending import fresh, post
from tests.mail.test_announcements import announce
from users.mail.handover import Handover
from users.mail.models import Letter, Message

pytestmark = pytest.mark.django_db


@pytest.fixture
def handover() -> Handover:
    return Handover()


def test_an_email_that_may_be_sent_twice_is_stored_as_soon_as_it_is_accepted(handover):
    [message] = post()
    assert handover.begin(message)
    assert fresh(message).state == "waiting"
    handover.accept(message)
    assert (fresh(message).state, handover.accepted) == ("sent", None)
    assert fresh(message).sent_at


def test_one_statement_stores_that_a_letter_was_sent_and_that_the_next_may_be(handover):
    first, second, third = announce(3)
    assert handover.begin(first)
    handover.accept(first)
    # A process that is killed now leaves this one in doubt.
    assert fresh(first).state == "unknown"
    with CaptureQueriesContext(connection) as queries:
        assert handover.begin(second)
    assert len(queries) == (1 if connection.vendor == "postgresql" else 2)
    assert (fresh(first).state, fresh(second).state) == ("sent", "unknown")
    assert fresh(first).sent_at
    assert fresh(third).state == "waiting"


@pytest.mark.parametrize("change", [{"attempts": 2}, {"state": "dropped"}, {"paused": True}])
def test_a_message_that_must_not_leave_keeps_nobody_from_being_stored(handover, change):
    first, second = announce(2)
    handover.begin(first)
    handover.accept(first)
    if "paused" in change:
        Letter.objects.update(paused_at=timezone.now())
    else:
        Message.objects.filter(pk=second.pk).update(**change)
    before = fresh(second).state
    assert not handover.begin(second)
    assert (fresh(first).state, fresh(second).state) == ("sent", before)
    assert handover.accepted is None


def test_another_kind_of_email_stores_the_one_before(handover):
    [letter] = announce(1)
    [reset] = post()
    handover.begin(letter)
    handover.accept(letter)
    assert handover.begin(reset)
    assert fresh(letter).state == "sent"
