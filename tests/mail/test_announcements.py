"""One letter to many goes to each of them at most once; what became of it is known, or said to be
unknown.
"""

import asyncio
import signal
import sys
import threading

import pytest
from django.utils import timezone

from tests.builders import make_user
from tests.mail.sending import Killed, let_time_pass, sender, states
from tests.mail.servers import Postbox, serve
from tests.processes import running, until
from users.mail import delivery
from users.mail.delivery import deliver_due_messages
from users.mail.models import Letter, Message
from users.models import User

pytestmark = pytest.mark.django_db


def announce(number: int = 1) -> list[Message]:
    letter = Letter.objects.create(subject="News", text="Dear {name}", is_bulk=True)
    people = [make_user(email_verified_at=timezone.now()) for _ in range(number)]
    return [
        Message.objects.create(
            account=each, kind="letter", to=each.email, letter=letter, is_bulk=True
        )
        for each in people
    ]


def test_it_arrives(postbox):
    announce(3)
    assert deliver_due_messages() == 3
    assert states() == ["sent"] * 3
    assert deliver_due_messages() == 0


@pytest.mark.parametrize("sent_before", [False, True])
def test_where_the_process_died_nobody_knows_and_nobody_sends_it_again(
    postbox, monkeypatch, sent_before
):
    announce(2)
    send = delivery.send_message

    def die(message, mail, connection):
        if sent_before:
            connection.send_messages([mail])
        raise Killed

    monkeypatch.setattr(delivery, "send_message", die)
    with pytest.raises(Killed):
        deliver_due_messages()
    assert states() == ["unknown", "waiting"]
    monkeypatch.setattr(delivery, "send_message", send)
    let_time_pass()
    assert deliver_due_messages() == 1
    assert states() == ["unknown", "sent"]
    assert len(set(postbox.ids)) == len(postbox.ids) == 1 + sent_before


@pytest.mark.django_db(transaction=True)
def test_a_real_kill_while_it_is_handed_over_sends_nothing_twice(smtp, tmp_path):
    reached = threading.Event()
    release = threading.Event()
    postbox = Postbox()

    async def never_answer(server, session, envelope):
        reached.set()
        while not release.is_set():
            await asyncio.sleep(0.01)
        return "451 4.3.0 Too late"

    postbox.handle_DATA = never_answer
    controller = serve(postbox)
    announce()
    code = (
        "import django; django.setup(); "
        "from users.mail.delivery import deliver_due_messages as deliver; deliver()"
    )
    with running(
        [sys.executable, "-c", code], tmp_path, **sender(f"smtp://127.0.0.1:{controller.port}")
    ) as process:
        until(reached.is_set)
        process.stop(signal.SIGKILL)
    release.set()
    controller.stop()
    let_time_pass()
    assert (deliver_due_messages(), states()) == (0, ["unknown"])


@pytest.mark.parametrize(
    ("answer", "then"), [("451 4.3.0 Later", "sent"), ("550 5.1.1 Nobody", "failed")]
)
def test_what_the_server_refused_is_known(postbox, answer, then):
    [message] = announce()
    postbox.refusals[message.to] = answer
    assert deliver_due_messages() == 0
    postbox.refusals.clear()
    let_time_pass()
    deliver_due_messages()
    assert states() == [then]


def test_without_a_server_it_waits(smtp):
    announce(2)
    assert deliver_due_messages() == 0
    assert states() == ["waiting"] * 2


def test_what_no_longer_fits_is_dropped(postbox):
    [message] = announce()
    User.objects.filter(pk=message.account_id).update(email_verified_at=None)
    assert (deliver_due_messages(), states()) == (0, ["dropped"])


def test_a_text_that_can_not_be_made_is_tried_again(postbox, monkeypatch):
    announce()
    monkeypatch.setattr(delivery, "compose_mail", lambda message: 1 / 0)
    assert (deliver_due_messages(), states()) == (0, ["waiting"])
