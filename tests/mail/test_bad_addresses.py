"""Addresses that an import of another program has stored: each is one recipient, or none."""

import xml.etree.ElementTree as ET
from contextlib import suppress

import pytest
from django.core.exceptions import ValidationError

from tests.mail.sending import FAILED, SENT, states
from tests.test_identifiers import control_character
from users.mail import delivery, outbox
from users.mail.message_content import compose_mail
from users.mail.models import Message
from users.models import User

LISTS = [
    "a@b.co, e@evil.com",
    "a@b.co,e@evil.com",
    "a@b.co; e@evil.com",
    "a@b.co e@evil.com",
    "Ann <a@b.co>, e@evil.com",
    "a@b.co\nBcc: e@evil.com",
    "a@b.co\u2028e@evil.com",
    "a@b.co\x00e@evil.com",
    "undisclosed: a@b.co, e@evil.com;",
]


def test_an_address_is_one_recipient_or_fails_with_its_reason(samples):
    collection = ET.parse(samples / "isemail_tests.xml").iter("test")
    typed = [test.findtext("address") or "" for test in collection]
    assert len(typed) == 164
    sent = set()
    ada = User(pk=1, username="ada")
    for to in [*("".join(map(control_character, text)) for text in typed), *LISTS]:
        message = Message(kind="password-reset", account=ada, to=to)
        with suppress(ValidationError):
            mail = compose_mail(message)
            mail.message()
            sent.add(to)
            assert mail.recipients() == [to]
    assert len(sent) > 20
    assert not sent & set(LISTS)


@pytest.mark.django_db
def test_one_bad_address_stops_no_worker(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    for name, email in (("eve", LISTS[0]), ("ada", "ada@example.com")):
        account = User.objects.create(username=name, email=email, status="active")
        outbox.post_message(Message.Kind.PASSWORD_RESET, account)
    delivery.deliver_due_messages(seconds=5)
    assert states() == [FAILED, SENT]
    assert Message.objects.first().error.startswith("Enter one plain email address")
