"""Servers that refuse, hang, hang up or show a wrong certificate: each message ends in the
documented state, and the rest of the outbox goes on.
"""

import pytest

from tests.mail.hostile_servers import (
    DroppingPostbox,
    GarblingPostbox,
    HangingPostbox,
    make_certificate,
    server_context,
)
from tests.mail.sending import (
    FAILED,
    SENT,
    WAITING,
    let_time_pass,
    post,
    server_problem,
    states,
)
from tests.mail.servers import Postbox, serve
from tests.mail.test_announcements import announce
from users.mail import breaker
from users.mail.breaker import CircuitBreaker, MailServerError
from users.mail.delivery import deliver_due_messages
from users.mail.models import MailServer, Message

pytestmark = pytest.mark.django_db
UNKNOWN = "unknown"
REPLIES = {
    "421 4.7.0 Too many for today": WAITING,
    "450 4.2.1 Mailbox busy": WAITING,
    "451 4.7.1 Greylisted": WAITING,
    "452 4.3.1 Insufficient storage": WAITING,
    "552 5.2.2 Mailbox full": WAITING,
    "550 5.7.1 Not wanted": FAILED,
    "550 5.1.1 No such person here": FAILED,
    "552 5.3.4 Too big": FAILED,
    "250 OK": SENT,
}


@pytest.fixture
def attach(smtp):
    """Starts servers, each in place of the one before, and stops them."""
    started = []

    def attach(postbox: Postbox, **options) -> Postbox:
        controller = serve(postbox, **options)
        started.append(controller)
        smtp.EMAIL_PORT = controller.port
        return postbox

    yield attach
    for controller in started:
        controller.stop()


@pytest.mark.parametrize(
    ("make", "extensions"), [(post, ["PIPELINING"]), (announce, ["PIPELINING"]), (announce, [])]
)
def test_each_refusal_has_its_state_and_the_next_message_goes(postbox, make, extensions):
    postbox.extensions = extensions
    messages = make(len(REPLIES))
    for message, reply in zip(messages, REPLIES, strict=True):
        postbox.refusals[message.to] = "" if reply == "250 OK" else reply
    assert deliver_due_messages() == 1
    assert states() == list(REPLIES.values())
    errors = Message.objects.order_by("id").values_list("error", flat=True)
    assert list(errors) == [*list(REPLIES)[:-1], ""]
    assert server_problem() == ""


@pytest.mark.parametrize(("make", "state"), [(post, WAITING), (announce, UNKNOWN)])
def test_a_server_that_hangs_after_the_text_costs_one_message_its_time(attach, smtp, make, state):
    smtp.EMAIL_TIMEOUT = 0.3
    postbox = attach(HangingPostbox())
    make(3)
    assert deliver_due_messages() == 2
    assert states() == [state, SENT, SENT]
    assert "timed out" in Message.objects.order_by("id").first().error
    assert len(postbox.accepted) == 2


@pytest.mark.parametrize(("make", "state"), [(post, WAITING), (announce, UNKNOWN)])
def test_a_server_that_hangs_up_before_its_answer_may_have_the_message(attach, make, state):
    postbox = attach(DroppingPostbox(says_ok=False))
    make(2)
    assert deliver_due_messages() == 1
    assert states() == [state, SENT]
    let_time_pass()
    deliver_due_messages()
    assert states() == [SENT if state == WAITING else UNKNOWN, SENT]
    assert len(set(postbox.ids)) == 2
    assert len(postbox.ids) == (3 if state == WAITING else 2)


@pytest.mark.parametrize("answer", ["Thanks, taken", "354 Go on"])
def test_a_server_that_answers_the_text_unreadably_may_have_the_message(attach, answer):
    postbox = attach(GarblingPostbox(answer))
    post()
    announce()
    assert deliver_due_messages() == 0
    assert states() == [WAITING, UNKNOWN]
    # smtplib drops where a code would be.
    assert answer[4:] in Message.objects.last().error
    assert len(postbox.accepted) == 2


@pytest.mark.parametrize("make", [post, announce])
def test_a_server_that_hangs_up_after_its_answer_gets_each_message_once(attach, make):
    postbox = attach(DroppingPostbox(says_ok=True))
    make(3)
    assert deliver_due_messages() == 3
    assert states() == [SENT] * 3
    assert len(set(postbox.ids)) == len(postbox.ids) == 3


@pytest.mark.parametrize("make", [post, announce])
def test_a_server_that_is_away_for_ten_minutes_costs_no_attempt(smtp, attach, make, caplog):
    make(2)
    assert deliver_due_messages() == 0
    assert "refused" in server_problem()
    for _ in range(20):
        let_time_pass(minutes=0.5)
        assert deliver_due_messages() == 0
    assert states() == [WAITING] * 2
    assert set(Message.objects.values_list("attempts", flat=True)) == {0}
    assert len(caplog.records) == 1
    attach(Postbox())
    let_time_pass(breaker.UNREACHABLE_PAUSE_SECONDS / 60)
    assert deliver_due_messages() == 2
    assert server_problem() == ""


def test_while_a_server_is_down_one_worker_tries_with_one_message():
    for _ in range(2):
        assert CircuitBreaker().record_failure(MailServerError("refused", is_down=True))
    assert not CircuitBreaker().allows_sending()
    let_time_pass(breaker.UNREACHABLE_PAUSE_SECONDS / 60)
    first, second = CircuitBreaker(), CircuitBreaker()
    assert first.allows_sending()
    assert not second.allows_sending()
    first.record_success()
    assert CircuitBreaker().allows_sending()
    assert MailServer.objects.get().failures == 0


def test_a_look_at_an_empty_outbox_uses_up_no_attempt(attach):
    CircuitBreaker().record_failure(MailServerError("refused", is_down=True))
    let_time_pass(breaker.UNREACHABLE_PAUSE_SECONDS / 60)
    attach(Postbox())
    assert deliver_due_messages() == 0
    assert server_problem() == "refused"
    post()
    assert deliver_due_messages() == 1
    assert server_problem() == ""


def test_a_server_that_fails_each_message_is_left_alone_after_three(attach, smtp):
    smtp.EMAIL_TIMEOUT = 0.2
    attach(HangingPostbox(hangs=99))
    announce(5)
    assert deliver_due_messages() == 0
    assert states() == [UNKNOWN] * 3 + [WAITING] * 2
    assert server_problem() == "Connection unexpectedly closed: timed out"
    let_time_pass(breaker.FAILING_PAUSE_SECONDS / 60)
    assert deliver_due_messages() == 0
    assert states() == [UNKNOWN] * 4 + [WAITING]


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture
def certificates(tmp_path):
    return {host: make_certificate(tmp_path, host) for host in ("localhost", "mail.example.com")}


@pytest.mark.parametrize("setting", ["EMAIL_USE_TLS", "EMAIL_USE_SSL"])
def test_nothing_is_sent_over_a_wrong_certificate_and_it_is_named(
    attach, smtp, certificates, setting
):
    smtp.EMAIL_HOST = "localhost"
    setattr(smtp, setting, True)
    post()
    problems = {
        ("localhost", ""): "self-signed certificate",
        ("mail.example.com", "mail.example.com"): "Hostname mismatch",
        ("localhost", "localhost"): "",
    }
    for (host, trusted), problem in problems.items():
        context = server_context(*certificates[host])
        options = {"tls_context": context, "require_starttls": True}
        if setting == "EMAIL_USE_SSL":
            options = {"ssl_context": context}
        postbox = attach(Postbox(), **options)
        smtp.EMAIL_CA_FILE = str(certificates[trusted][0]) if trusted else ""
        let_time_pass(1)
        assert deliver_due_messages() == (not problem)
        assert len(postbox.accepted) == (not problem)
        assert problem in server_problem()
    assert Message.objects.get().attempts == 1


def test_a_server_without_starttls_gets_nothing(postbox, smtp):
    smtp.EMAIL_USE_TLS = True
    post()
    assert deliver_due_messages() == 0
    assert (states(), postbox.accepted) == ([WAITING], [])
    assert "STARTTLS" in server_problem()
