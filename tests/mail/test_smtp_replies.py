"""The table of replies, an address that does not exist, and errors of a provider's API."""

import pytest
from anymail.exceptions import (
    AnymailAPIError,
    AnymailRecipientsRefused,
    AnymailRequestsAPIError,
    AnymailUnsupportedFeature,
)

from tests.mail.sending import (
    FAILED,
    SENT,
    WAITING,
    fresh,
    let_time_pass,
    post,
    server_problem,
    states,
)
from tests.mail.test_announcements import announce
from users.mail.delivery import deliver_due_messages
from users.mail.models import MailServer, Message, Suppression
from users.mail.provider_errors import provider_outcome
from users.mail.smtp_replies import Outcome, Phase, ReplyError, find_rule

OUTCOMES = {
    Outcome.RETRY: [
        (Phase.RECIPIENT, 421, "4.7.0 Later"),
        (Phase.SENDER, 421, "Later"),
        (Phase.RECIPIENT, 450, "4.2.1 Busy"),
        (Phase.RECIPIENT, 451, "Greylisted"),
        (Phase.TEXT, 452, "4.3.1 Full"),
        (Phase.RECIPIENT, 552, "5.2.2 Over quota"),
        (Phase.RECIPIENT, 550, "5.2.2 Over quota"),
        (Phase.TEXT, 552, "Exceeded storage allocation"),
        (Phase.TEXT, -1, "no reply"),
    ],
    Outcome.FAIL: [
        (Phase.TEXT, 552, "5.3.4 Too big"),
        (Phase.SENDER, 552, "Too big"),
        (Phase.RECIPIENT, 550, "No such person here"),
        (Phase.RECIPIENT, 550, "5.1.15 Unheard of"),
        (Phase.RECIPIENT, 550, "5.7.1 Refused, see 5.1.1"),
        (Phase.TEXT, 554, "5.7.1 Spam"),
    ],
    Outcome.SUPPRESS: [
        (Phase.RECIPIENT, 550, "5.1.1 No such person"),
        (Phase.TEXT, 550, "5.1.1 No such person"),
        (Phase.RECIPIENT, 550, "5.1.10 Null MX"),
        (Phase.RECIPIENT, 556, "Takes no email"),
    ],
    Outcome.HOLD: [
        (Phase.SENDER, 530, "5.7.0 Must issue STARTTLS first"),
        (Phase.SENDER, 553, "5.7.1 Not your address"),
        (Phase.SENDER, 550, "5.1.1 No such sender"),
        (Phase.RECIPIENT, 535, "5.7.8 Sign in"),
    ],
}


def test_each_reply_has_its_outcome():
    for outcome, replies in OUTCOMES.items():
        for reply in replies:
            assert find_rule(ReplyError(*reply)).outcome == outcome, reply


@pytest.mark.django_db
def test_an_address_that_does_not_exist_is_suppressed_and_its_account_marked(postbox):
    messages = post(2)
    postbox.refusals[messages[0].to] = f"550 5.1.1 <{messages[0].to}> is unknown here"
    deliver_due_messages()
    assert states() == [FAILED, SENT]
    suppression = Suppression.objects.get()
    assert suppression.source == "invalid"
    assert suppression.reason == "The mail server replied 550 5.1.1."
    message = fresh(messages[0])
    assert message.account.email_bounced_at
    assert not fresh(messages[1]).account.email_bounced_at


class Answer:
    """The response of a provider."""

    request = None
    reason = "Made up"
    text = "{}"

    def __init__(self, status_code: int) -> None:
        self.status_code = status_code

    def json(self) -> dict:
        return {}


def api_error(status: int | None) -> AnymailRequestsAPIError:
    response = Answer(status) if status else None
    return AnymailRequestsAPIError("no", response=response)


def test_each_error_of_a_provider_has_its_outcome():
    for status, outcome in {
        400: Outcome.FAIL,
        401: Outcome.HOLD,
        403: Outcome.HOLD,
        413: Outcome.FAIL,
        422: Outcome.FAIL,
        425: Outcome.RETRY,
        429: Outcome.RETRY,
        # The provider may have the message.
        200: None,
        408: None,
        500: None,
        502: None,
        503: None,
        None: None,
    }.items():
        assert provider_outcome(api_error(status)) == outcome, status
    assert provider_outcome(AnymailUnsupportedFeature("no")) == Outcome.FAIL
    assert provider_outcome(AnymailRecipientsRefused("no")) == Outcome.FAIL
    assert provider_outcome(KeyError("no")) is None


def test_each_error_of_amazon_has_its_outcome():
    for status, code, outcome in [
        (400, "MessageRejected", Outcome.FAIL),
        (400, "ThrottlingException", Outcome.RETRY),
        (429, "TooManyRequestsException", Outcome.RETRY),
        (403, "InvalidSignatureException", Outcome.HOLD),
        (400, "SendingPausedException", Outcome.HOLD),
        (500, "InternalFailure", None),
    ]:
        metadata = {"HTTPStatusCode": status}
        answer = {"Error": {"Code": code}, "ResponseMetadata": metadata}
        assert provider_outcome(AnymailAPIError("no", response=answer)) == outcome, code
    # boto3 raises it before it sends.
    error = AnymailAPIError("no")
    error.__cause__ = type("NoCredentialsError", (Exception,), {})()
    assert provider_outcome(error) == Outcome.HOLD


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "reset", "letter", "is_held"),
    [
        (api_error(401), WAITING, WAITING, True),
        (api_error(422), FAILED, FAILED, False),
        (api_error(429), WAITING, WAITING, False),
        (api_error(200), WAITING, "unknown", False),
        (api_error(502), WAITING, "unknown", False),
        (api_error(None), WAITING, "unknown", False),
        (KeyError("a fault"), WAITING, "unknown", False),
    ],
)
def test_a_provider_that_fails_stops_no_worker(monkeypatch, error, reset, letter, is_held):
    post(1)
    announce(1)

    def fail(*_):
        raise error

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", fail)
    assert deliver_due_messages() == 0
    assert bool(server_problem()) == is_held
    let_time_pass()
    if is_held:
        assert set(Message.objects.values_list("attempts", flat=True)) == {0}
        MailServer.objects.all().delete()
        # The password reset first: it is held before the letter is looked at.
        Message.objects.filter(is_bulk=False).delete()
        deliver_due_messages()
        assert states() == [letter]
    else:
        assert states() == [reset, letter]
