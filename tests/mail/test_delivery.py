"""Sending what waits, through a real SMTP server: at least once, never lost, and nothing waits for
a server that is away.
"""

import socket
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.builders import make_user
from tests.mail.sending import (
    DROPPED,
    FAILED,
    SENT,
    WAITING,
    fresh,
    let_time_pass,
    post,
    server_problem,
    states,
)
from tests.mail.servers import Postbox, serve, text_of
from users import access
from users.mail import claims, delivery, smtp_replies, smtp_transaction, tasks
from users.mail.delivery import MAX_ATTEMPTS, deliver_due_messages
from users.mail.models import Message
from users.models import State, User
from users.verbs.invitation.verb import invite_user
from users.verbs.password_reset.verb import choose_password, request_password_reset

pytestmark = pytest.mark.django_db


# --- it arrives -----------------------------------------------------------------------------------


def test_an_invitation_and_a_reset_leave_with_their_links(postbox, settings):
    invite_user(by=access.CommandActor("test"), username="ann", email="ann@example.com")
    bob = make_user(username="bob")
    request_password_reset(bob)
    assert tasks.deliver_outbox() == 2
    assert [recipients for recipients, _ in postbox.accepted] == [
        ["ann@example.com"],
        ["bob@example.com"],
    ]
    for message, (_, mail) in zip(Message.objects.order_by("id"), postbox.accepted, strict=True):
        assert (message.state, message.attempts, message.error) == (SENT, 1, "")
        assert message.sent_at
        assert mail["Message-ID"] == f"<{message.message_id}@{settings.SITE_PARTS.hostname}>"
        for kind in ("plain", "html"):
            assert f"{settings.SITE_URL}/password/" in text_of(mail, kind)
    assert deliver_due_messages() == 0
    assert len(postbox.accepted) == 2


def test_all_mails_of_a_drain_leave_over_one_connection_oldest_first(postbox):
    messages = post(60)  # more than one batch
    assert deliver_due_messages(seconds=600) == 60
    assert len(postbox.sessions) == 1
    assert [recipients[0] for recipients, _ in postbox.accepted] == [
        message.to for message in messages
    ]


def test_mail_to_single_people_leaves_before_what_a_job_has_put_there_by_the_thousand(postbox):
    many = post(3)
    Message.objects.update(is_bulk=True)
    single = post()
    assert deliver_due_messages() == 4
    assert [recipients[0] for recipients, _ in postbox.accepted] == [
        message.to for message in (*single, *many)
    ]


def test_a_message_is_not_sent_before_it_is_due(postbox):
    [message] = post()
    Message.objects.update(due_at=timezone.now() + timedelta(minutes=1))
    assert deliver_due_messages() == 0
    assert (fresh(message).state, fresh(message).attempts, postbox.accepted) == (WAITING, 0, [])


def test_a_drain_ends_when_its_time_is_up(postbox):
    post(3)
    assert deliver_due_messages(seconds=0) == 0
    assert states() == [WAITING] * 3


# --- it is refused --------------------------------------------------------------------------------


def test_a_temporary_refusal_keeps_the_message_for_later_and_lets_the_others_go(postbox):
    first, second = post(2)
    postbox.refusals[first.to] = "451 4.3.0 Try again later"
    before = timezone.now()
    assert deliver_due_messages() == 1
    after = timezone.now()
    waiting = fresh(first)
    assert (waiting.state, waiting.attempts, waiting.error, waiting.sent_at) == (
        WAITING,
        1,
        "451 4.3.0 Try again later",
        None,
    )
    assert before + claims.SHORTEST_PAUSE <= waiting.due_at <= after + claims.FIRST_PAUSE
    assert fresh(second).state == SENT
    postbox.refusals.clear()
    assert deliver_due_messages() == 0
    let_time_pass()
    assert deliver_due_messages() == 1
    assert (fresh(first).state, fresh(first).attempts, fresh(first).error) == (SENT, 2, "")


def test_a_kind_that_this_release_does_not_know_is_left_to_others(postbox):
    """While a release is deployed, its workers and those of the one before share the outbox."""
    first, second = post(2)
    Message.objects.filter(pk=first.pk).update(kind="from-tomorrow")
    assert deliver_due_messages() == 1
    assert (fresh(first).state, fresh(first).attempts) == (WAITING, 0)
    assert fresh(second).state == SENT


def test_a_refused_recipient_is_final_and_the_servers_words_are_kept(postbox):
    first, second = post(2)
    postbox.refusals[first.to] = "550 5.1.1 No such person here"
    assert deliver_due_messages() == 1
    assert (fresh(first).state, fresh(first).error) == (FAILED, "550 5.1.1 No such person here")
    assert fresh(second).state == SENT
    let_time_pass()
    assert deliver_due_messages() == 0


@pytest.mark.parametrize(
    ("answer", "state"), [("554 5.7.1 Looks like spam", FAILED), ("452 4.3.1 Full", WAITING)]
)
def test_a_refused_text_is_like_a_refused_recipient_and_the_next_mail_goes(postbox, answer, state):
    first, second = post(2)
    postbox.answers = [answer]
    assert deliver_due_messages() == 1
    assert (fresh(first).state, fresh(first).error) == (state, answer)
    assert fresh(second).state == SENT


def test_a_server_that_hangs_up_on_one_message_gets_the_next_over_a_new_connection(postbox):
    first, second = post(2)
    postbox.refusals[first.to] = "421 4.7.0 Too many for today"
    assert deliver_due_messages() == 1
    assert (fresh(first).state, fresh(second).state) == (WAITING, SENT)


def test_a_refused_sender_is_ours_to_mend_and_no_message_is_given_up(postbox):
    post(2)
    postbox.sender_answer = "553 5.7.1 Not your address"
    assert deliver_due_messages() == 0
    assert states() == [WAITING] * 2
    reasons = set(Message.objects.values_list("waiting_reason", flat=True))
    assert reasons == {"Waiting for the mail server: 553 5.7.1 Not your address"}
    postbox.sender_answer = "250 OK"
    let_time_pass()
    assert deliver_due_messages() == 2


def test_a_wrong_password_for_the_server_is_no_messages_fault(smtp):
    controller = serve(Postbox(), authenticator=lambda *_: False, auth_require_tls=False)
    smtp.EMAIL_PORT = controller.port
    smtp.EMAIL_HOST_USER = "rollcall"
    smtp.EMAIL_HOST_PASSWORD = "wrong"
    post(3)
    try:
        assert deliver_due_messages() == 0
    finally:
        controller.stop()
    assert states() == [WAITING] * 3
    assert set(Message.objects.values_list("attempts", flat=True)) == {0}
    assert server_problem().startswith("535")


def test_after_many_attempts_a_message_is_given_up_with_its_last_error(postbox):
    [message] = post()
    postbox.refusals[message.to] = "451 4.3.0 Try again later"
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert fresh(message).state == WAITING
        deliver_due_messages()
        assert fresh(message).attempts == attempt
        let_time_pass()
    assert (fresh(message).state, fresh(message).error) == (FAILED, "451 4.3.0 Try again later")


def test_the_longest_pauses_double_up_to_twelve_hours_and_stay_there():
    minutes = [claims.longest_pause(attempt).total_seconds() / 60 for attempt in range(1, 13)]
    assert minutes == [2, 4, 8, 16, 32, 64, 128, 256, 512, 720, 720, 720]
    assert claims.longest_pause(32767) == timedelta(hours=12)


def test_what_was_refused_together_does_not_come_back_together():
    pauses = [claims.retry_delay(4) for _ in range(400)]
    assert min(pauses) < timedelta(minutes=2)
    assert timedelta(minutes=14) < max(pauses) <= timedelta(minutes=16)
    assert min(claims.retry_delay(1) for _ in range(400)) == claims.SHORTEST_PAUSE


# --- the server is away ---------------------------------------------------------------------------


def test_without_a_server_messages_wait_and_the_drain_returns(smtp):
    post(3)
    assert deliver_due_messages() == 0
    assert states() == [WAITING] * 3
    assert set(Message.objects.values_list("attempts", flat=True)) == {0}
    assert "refused" in Message.objects.first().waiting_reason
    assert "refused" in server_problem()
    controller = serve(postbox := Postbox())
    smtp.EMAIL_PORT = controller.port
    let_time_pass()
    try:
        assert deliver_due_messages() == 3
    finally:
        controller.stop()
    assert len(postbox.accepted) == 3


def test_a_server_that_hangs_up_between_two_mails_gets_the_next_over_a_new_connection(
    postbox, smtp, monkeypatch
):
    post(3)
    send = delivery.send_message
    hang_up = iter([False, True])

    def hang_up_first(message, mail, connection):
        if next(hang_up, False):
            connection.connection.sock.shutdown(socket.SHUT_RDWR)
        return send(message, mail, connection)

    monkeypatch.setattr(delivery, "send_message", hang_up_first)
    assert deliver_due_messages() == 3
    assert len(set(postbox.ids)) == len(postbox.ids) == 3
    assert len(postbox.sessions) == 2


# --- the process is away --------------------------------------------------------------------------


# --- it makes no sense any more -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"email": "new@example.com"}, "The account’s email address has changed."),
        ({"status": State.SUSPENDED, "status_reason": "x"}, "The account is suspended"),
        ({"valid_until": "2020-01-01T00:00Z"}, "The account is expired"),
    ],
)
def test_a_message_that_no_longer_fits_its_account_is_dropped(postbox, change, why):
    [message] = post()
    User.objects.filter(pk=message.account_id).update(**change)
    assert deliver_due_messages() == 0
    assert (fresh(message).state, postbox.accepted) == (DROPPED, [])
    assert fresh(message).error.startswith(why)


def test_an_accepted_invitation_is_not_sent_again(postbox):
    account = invite_user(by=access.CommandActor("test"), username="ann", email="ann@example.com")
    choose_password(account, "a-long-enough-passphrase")
    assert deliver_due_messages() == 0
    assert (states(), postbox.accepted) == ([DROPPED], [])


def test_a_change_after_the_batch_was_read_counts_too(postbox):
    _, second = post(2)
    send = delivery.send_message

    def move_away(message, mail, connection):
        User.objects.filter(pk=second.account_id).update(email="new@example.com")
        return send(message, mail, connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivery, "send_message", move_away)
        patch.setattr(delivery, "FRESH_SECONDS", 0)
        assert deliver_due_messages() == 1
    assert states() == [SENT, DROPPED]


# --- it cannot be made ----------------------------------------------------------------------------


def test_a_message_that_can_never_be_made_fails_at_once_and_stands_in_nobodys_way(postbox, caplog):
    broken, sound = post(2)
    address = "a@example.com\nBcc: evil@example.com"
    User.objects.filter(pk=broken.account_id).update(email=address)
    Message.objects.filter(pk=broken.pk).update(to=address)
    assert deliver_due_messages() == 1
    assert [recipients for recipients, _ in postbox.accepted] == [[sound.to]]
    assert fresh(broken).state == FAILED
    assert "Enter one plain email address" in fresh(broken).error
    assert not [record for record in caplog.records if record.exc_info]


def test_a_message_that_cannot_be_made_now_is_tried_again(postbox, caplog, monkeypatch):
    broken, sound = post(2)
    compose_mail = delivery.compose_mail

    def fail_for_one(message):
        if message.pk == broken.pk:
            raise RuntimeError("a template is missing")
        return compose_mail(message)

    monkeypatch.setattr(delivery, "compose_mail", fail_for_one)
    assert deliver_due_messages() == 1
    assert [recipients for recipients, _ in postbox.accepted] == [[sound.to]]
    assert (fresh(broken).state, fresh(broken).error.split(":")[0]) == (WAITING, "RuntimeError")
    assert "can't be built" in caplog.text
    for _ in range(MAX_ATTEMPTS):
        let_time_pass()
        deliver_due_messages()
    assert fresh(broken).state == FAILED


def test_what_a_server_says_is_kept_whatever_it_is():
    assert smtp_replies.reply_text(b"\xff\x00 caf\xc3\xa9") == "\ufffd caf\xe9"
    assert smtp_transaction.error_text(OSError()) == "OSError"


def test_a_message_whose_address_no_mail_can_reach_fails_at_once(postbox, caplog):
    unreachable, fine = post(2)
    address = "me@中" + "1" * 54 + ".example"  # stored before such domains were refused
    User.objects.filter(pk=unreachable.account_id).update(email=address)
    Message.objects.filter(pk=unreachable.pk).update(to=address)
    assert deliver_due_messages() == 1
    assert fresh(unreachable).state == FAILED
    assert "one of its parts is too long" in fresh(unreachable).error
    assert fresh(fine).state == SENT
    assert not [record for record in caplog.records if record.exc_info]
