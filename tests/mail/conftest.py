"""Mails that go to a real server of the test's own."""

import pytest

from tests.mail.servers import Postbox, serve
from tests.servers import free_port


@pytest.fixture
def smtp(settings):
    """Settings for SMTP to a port of this machine where nobody listens yet."""
    settings.EMAIL_BACKEND = "users.mail.smtp_backend.SmtpBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = free_port()
    settings.EMAIL_TIMEOUT = 10
    return settings


@pytest.fixture
def postbox(smtp):
    postbox = Postbox()
    controller = serve(postbox)
    smtp.EMAIL_PORT = controller.port
    yield postbox
    controller.stop()
