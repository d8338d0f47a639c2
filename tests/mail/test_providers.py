"""Sending through a provider: our id travels along, and theirs is stored."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from anymail.signals import pre_send
from django.core.mail import EmailMultiAlternatives, get_connection

from tests.builders import make_user
from tests.mail.sending import server_problem
from tests.mail.test_announcements import announce
from tests.servers import free_port
from users.mail.delivery import deliver_due_messages
from users.mail.models import Message
from users.mail.providers import attach_metadata, record_provider_id

pytestmark = pytest.mark.django_db


ACCEPTED = {"To": "ada@example.com", "ErrorCode": 0, "Message": "OK", "MessageID": "b7bc2f4a"}


class Postmark(BaseHTTPRequestHandler):
    """An API that stores requests and accepts each."""

    requests: list[dict] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Postmark.requests.append(json.loads(body))
        content = json.dumps(ACCEPTED).encode()
        self.send_response(200)
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


def test_our_id_travels_and_theirs_is_stored_and_nothing_is_tracked(api):
    message = Message.objects.create(
        account=make_user(username="ada"), kind="invitation", to="ada@example.com"
    )
    mail = make_mail(message)
    get_connection().send_messages([mail])
    record_provider_id(message, mail)
    message.refresh_from_db()
    assert message.provider_id == "b7bc2f4a"
    [sent] = api.requests
    assert sent["Metadata"] == {"rollcall_message": message.message_id}
    assert (sent["TrackOpens"], sent["TrackLinks"]) == (False, "None")


def test_a_provider_without_a_connection_has_no_message(api, settings):
    settings.ANYMAIL |= {"POSTMARK_API_URL": f"http://127.0.0.1:{free_port()}/"}
    announce(2)
    assert deliver_due_messages() == 0
    assert set(Message.objects.values_list("state", "attempts")) == {("waiting", 0)}
    assert "refused" in server_problem()


def test_a_mail_server_gives_no_id(mailoutbox, settings):
    message = Message.objects.create(account=make_user(), kind="invitation", to="a@example.com")
    mail = make_mail(message)
    mail.send()
    record_provider_id(message, mail)
    message.refresh_from_db()
    assert message.provider_id == ""
