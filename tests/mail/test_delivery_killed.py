"""A message whose process is killed or stopped while it sends."""

import asyncio
import signal
import sys
import threading
import time
from datetime import timedelta

import psutil
import pytest
from django.utils import timezone

from tests.jobs.killing import leader_of
from tests.mail.sending import (
    FAILED,
    SENT,
    WAITING,
    Killed,
    fresh,
    let_time_pass,
    post,
    sender,
    server_problem,
    states,
)
from tests.mail.servers import Postbox, serve
from tests.processes import running, until
from tests.threads import at_once
from users.jobs.queue import task_queue
from users.mail import claims, delivery, handover, outcomes
from users.mail.delivery import MAX_ATTEMPTS, deliver_due_messages
from users.mail.lanes import due_individual
from users.mail.models import Message

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql, pytest.mark.long]  # as in production
CLAIM = timedelta(seconds=claims.CLAIM_SECONDS)


@pytest.mark.parametrize("sent_before", [False, True])
def test_a_message_whose_process_died_goes_again_with_the_same_id(
    postbox, monkeypatch, sent_before
):
    [message] = post()
    send = delivery.send_message

    def die(message, mail, connection):
        if sent_before:
            connection.send_messages([mail])
        raise Killed

    monkeypatch.setattr(delivery, "send_message", die)
    with pytest.raises(Killed):
        deliver_due_messages()
    assert (fresh(message).state, fresh(message).attempts) == (WAITING, 1)
    monkeypatch.setattr(delivery, "send_message", send)
    assert deliver_due_messages() == 0  # not at once: the other process may only be slow
    let_time_pass(minutes=2)
    assert deliver_due_messages() == 1
    assert len(postbox.accepted) == 1 + sent_before
    assert len(set(postbox.ids)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_real_kill_in_the_middle_of_sending_loses_nothing(smtp, tmp_path):
    """The server takes the text and never answers; the sender is killed there, as by a machine that
    goes down.
    """
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
    smtp.EMAIL_PORT = controller.port
    [message] = post()
    code = (
        "import django; django.setup(); "
        "from users.mail.delivery import deliver_due_messages as deliver; deliver()"
    )
    url = f"smtp://127.0.0.1:{controller.port}"
    with running([sys.executable, "-c", code], tmp_path, **sender(url)) as process:
        until(reached.is_set)
        process.stop(signal.SIGKILL)
    release.set()
    controller.stop()
    assert (fresh(message).state, fresh(message).attempts) == (WAITING, 1)
    controller = serve(postbox := Postbox())
    smtp.EMAIL_PORT = controller.port
    let_time_pass()
    try:
        assert deliver_due_messages() == 1
    finally:
        controller.stop()
    assert postbox.ids == [f"<{message.message_id}@localhost>"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("whole_cluster", [False, True], ids=["sender", "cluster"])
def test_a_password_reset_leaves_soon_whatever_was_killed(smtp, tmp_path, whole_cluster):
    """The first attempt reaches a server that takes the text and never answers."""
    postbox = Postbox()
    controller = serve(postbox)
    take = postbox.handle_DATA
    reached = threading.Event()

    async def hang_once(server, session, envelope):
        if not reached.is_set():
            reached.set()
            await asyncio.sleep(3600)
        return await take(server, session, envelope)

    postbox.handle_DATA = hang_once
    environment = {"EMAIL_URL": f"smtp://127.0.0.1:{controller.port}"}
    try:
        with running([sys.executable, "manage.py", "worker"], tmp_path, **environment) as worker:
            [message] = post()
            until(reached.is_set)
            until(lambda: fresh(message).due_at > timezone.now() + CLAIM / 2)
            first = psutil.Process(leader_of(worker, task_queue.NOTIFY))
            sender = min(first.children(), key=lambda child: (child.create_time(), child.pid))
            (first if whole_cluster else sender).kill()
            killed = time.monotonic()
            until(lambda: postbox.accepted)
            seconds = time.monotonic() - killed
            assert seconds < 10
            until(lambda: fresh(message).state == SENT)
            controller.stop()
            # The server itself is down for a while.
            [later] = post()
            until(server_problem)
            controller = serve(postbox, port=controller.port)
            back = time.monotonic()
            until(lambda: len(postbox.accepted) == 2)
            assert time.monotonic() - back < 10
            until(lambda: fresh(later).state == SENT)
    finally:
        controller.stop()
    assert (fresh(message).attempts, fresh(later).attempts) == (2, 1)
    assert len(set(postbox.ids)) == 2


@pytest.mark.django_db(transaction=True)
def test_a_slow_server_is_given_the_message_once(smtp, monkeypatch):
    """Its claim is extended for as long as it is being sent."""
    monkeypatch.setattr(claims, "CLAIM_SECONDS", 1)
    monkeypatch.setattr(claims, "EXTENSION_SECONDS", 0.1)
    postbox = Postbox()
    controller = serve(postbox)
    take = postbox.handle_DATA
    looked = []

    async def be_slow(server, session, envelope):
        await asyncio.sleep(2.5)
        return await take(server, session, envelope)

    def look_meanwhile() -> int:
        until(lambda: Message.objects.filter(attempts=1).exists())
        until(lambda: looked.append(due_individual().count()) or Message.objects.filter(state=SENT))
        return 0

    postbox.handle_DATA = be_slow
    smtp.EMAIL_PORT = controller.port
    post()
    try:
        assert sorted(at_once(deliver_due_messages, look_meanwhile)) == [0, 1]
    finally:
        controller.stop()
    assert set(looked) == {0}
    assert len(looked) > 10
    assert len(postbox.accepted) == 1


def test_a_message_that_kills_its_process_again_and_again_has_long_claims():
    seconds = [claims.claim_time(attempt).total_seconds() for attempt in range(1, 7)]
    assert seconds == [5, 5, 5, 8 * 60, 16 * 60, 32 * 60]


def test_a_message_that_kills_its_process_each_time_is_given_up(postbox, monkeypatch):
    [message] = post()
    monkeypatch.setattr(delivery, "send_message", lambda *_: (_ for _ in ()).throw(Killed))
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(Killed):
            deliver_due_messages()
        let_time_pass()
    assert deliver_due_messages() == 0
    assert fresh(message).state == FAILED
    assert "died" in fresh(message).error


def test_who_was_stopped_for_a_while_does_not_put_back_what_another_one_has_sent(postbox):
    [message] = post()
    [slow] = claims.claim_messages(due_individual(), 1)
    let_time_pass()
    assert deliver_due_messages() == 1
    outcomes.record_failure(slow, "timed out", final=False)
    assert (fresh(message).state, fresh(message).error) == (SENT, "")
    outcomes.record_failure(slow, "timed out", final=True)
    assert fresh(message).state == SENT


def test_that_it_was_sent_is_true_whoever_says_it(postbox):
    [message] = post()
    [slow] = claims.claim_messages(due_individual(), 1)
    let_time_pass()
    assert claims.claim_messages(due_individual(), 1)
    handover.store_sent(slow)
    assert fresh(message).state == SENT


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("senders", [2, 4])
def test_several_drains_at_once_send_each_message_once(postbox, senders):
    messages = post(20)
    counts = at_once(*[deliver_due_messages] * senders)
    assert sum(counts) == 20, counts
    assert sorted(postbox.ids) == sorted(
        f"<{message.message_id}@localhost>" for message in messages
    )
    assert set(states()) == {SENT}


@pytest.mark.django_db(transaction=True)
def test_a_process_may_have_several_connections(postbox, settings, monkeypatch):
    settings.MAIL_CONNECTIONS = 3
    monkeypatch.setattr(delivery, "BATCH", 10)
    post(60)
    assert deliver_due_messages() == 60
    assert len(set(postbox.ids)) == len(postbox.ids) == 60
    assert len(postbox.sessions) == 3


def test_a_process_that_was_suspended_sends_nothing_that_another_one_has_claimed(postbox):
    post(2)
    keeper = claims.ClaimKeeper()
    batch = claims.claim_messages(due_individual(), 20)
    keeper.hold(batch, time.time())
    assert all(map(keeper.holds, batch))
    keeper.hold(batch, time.time() - 60)
    let_time_pass(minutes=1)
    [stolen] = claims.claim_messages(due_individual(), 20)
    assert [keeper.holds(message) for message in batch] == [message != stolen for message in batch]
