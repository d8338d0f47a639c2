"""The outbox: a row and a ring in the transaction of what causes the mail."""

import pytest
from django.db import transaction
from django_q.models import OrmQ

from tests.builders import make_user
from users.jobs.queue.payload import QueuedTask, read_payload
from users.mail import outbox
from users.mail.models import Message

pytestmark = pytest.mark.django_db
KINDS = list(Message.Kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_is_a_row_that_waits_and_a_ring_for_the_notify_cluster(kind):
    account = make_user()
    message = outbox.post_message(kind, account)
    stored = Message.objects.get()
    assert stored == message
    assert (stored.account, stored.kind, stored.to, stored.state, stored.attempts) == (
        account,
        kind,
        account.email,
        "waiting",
        0,
    )
    [ring] = OrmQ.objects.all()
    assert ring.key == "notify"
    assert read_payload(ring.payload) == QueuedTask("users.mail.tasks.deliver_outbox")


def test_an_account_without_an_address_gets_no_message():
    assert outbox.post_message(Message.Kind.INVITATION, make_user(email="")) is None
    assert not Message.objects.exists()
    assert not OrmQ.objects.exists()


def test_message_and_ring_are_taken_back_with_what_caused_them():
    with transaction.atomic():
        outbox.post_message(Message.Kind.INVITATION, make_user())
        transaction.set_rollback(True)
    assert not Message.objects.exists()
    assert not OrmQ.objects.exists()


def test_each_message_has_an_id_of_its_own():
    account = make_user()
    ids = {outbox.post_message(Message.Kind.PASSWORD_RESET, account).message_id for _ in range(5)}
    assert len(ids) == 5


def test_the_row_holds_no_link_and_no_text():
    message = outbox.post_message(Message.Kind.PASSWORD_RESET, make_user())
    assert not [
        value for value in vars(message).values() if isinstance(value, str) and "/" in value
    ]
