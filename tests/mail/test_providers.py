"""Sending through a provider: our id travels along, theirs is stored, refusals are told apart."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from anymail.signals import pre_send
from django.core.mail import EmailMultiAlternatives, get_connection

from tests.builders import make_user
from users.mail.models import Message
from users.mail.providers import attach_metadata, is_final_refusal, record_provider_id

pytestmark = pytest.mark.django_db

INACTIVE = "Found inactive addresses: ada@example.com. Inactive recipients are ones that bounced."


class Postmark(BaseHTTPRequestHandler):
    """An API that stores requests and gives the next of its answers."""

    requests: list[dict] = []
    answers: list[tuple[int, object]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Postmark.requests.append(json.loads(body))
        status, answer = Postmark.answers.pop(0)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server():
    server = HTTPServer(("127.0.0.1", 0), Postmark)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def api(settings, server):
    Postmark.requests = []
    settings.EMAIL_PROVIDER = "postmark"
    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = {
        "POSTMARK_SERVER_TOKEN": "token",
        "POSTMARK_API_URL": f"http://127.0.0.1:{server.server_port}/",
        "SEND_DEFAULTS": {"track_opens": False, "track_clicks": False},
    }
    pre_send.connect(attach_metadata)
    yield Postmark
    pre_send.disconnect(attach_metadata)


def make_mail(message: Message) -> EmailMultiAlternatives:
    headers = {"Message-ID": f"<{message.message_id}@testserver>"}
    mail = EmailMultiAlternatives("Hello", "Text", to=[message.to], headers=headers)
    mail.attach_alternative("<p>Text</p>", "text/html")
    return mail


def accepted(**fields: object) -> tuple[int, object]:
    found = {"To": "ada@example.com", "ErrorCode": 0, "Message": "OK", "MessageID": "b7bc2f4a"}
    return 200, found | fields


def test_our_id_travels_and_theirs_is_stored_and_nothing_is_tracked(api):
    message = Message.objects.create(
        account=make_user(username="ada"), kind="invitation", to="ada@example.com"
    )
    mail = make_mail(message)
    api.answers = [accepted()]
    get_connection().send_messages([mail])
    record_provider_id(message, mail)
    message.refresh_from_db()
    assert message.provider_id == "b7bc2f4a"
    [sent] = api.requests
    assert sent["Metadata"] == {"rollcall_message": message.message_id}
    assert (sent["TrackOpens"], sent["TrackLinks"]) == (False, "None")


def test_a_mail_server_gives_no_id(mailoutbox, settings):
    message = Message.objects.create(account=make_user(), kind="invitation", to="a@example.com")
    mail = make_mail(message)
    mail.send()
    record_provider_id(message, mail)
    message.refresh_from_db()
    assert message.provider_id == ""


@pytest.mark.parametrize(
    ("answer", "is_final"),
    [
        ((422, {"ErrorCode": 406, "Message": INACTIVE}), True),
        ((413, {"ErrorCode": 0, "Message": "Too large"}), True),
        ((401, {"ErrorCode": 10, "Message": "Bad or missing token"}), False),
        ((422, {"ErrorCode": 400, "Message": "Sender signature not found"}), False),
        ((429, {"ErrorCode": 429, "Message": "Slow down"}), False),
        ((500, {"ErrorCode": 0, "Message": "Down"}), False),
    ],
)
def test_a_refused_address_is_final_and_a_wrong_key_is_not(api, answer, is_final):
    message = Message(account_id=1, to="ada@example.com")
    api.answers = [answer]
    with pytest.raises(Exception, match=r".") as error:
        get_connection().send_messages([make_mail(message)])
    assert is_final_refusal(error.value) is is_final
