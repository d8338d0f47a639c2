"""manage.py createsuperuser"""

from io import StringIO

import pytest
from django.core.management import call_command

from tests.builders import make_superuser
from users.audit.models import AuditEvent
from users.mail.message_content import compose_mail
from users.mail.models import Message
from users.models import User

pytestmark = pytest.mark.django_db


def test_the_new_superuser_is_recorded_and_announced_to_the_others(monkeypatch):
    root = make_superuser()
    make_superuser(status="suspended")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a-long-enough-passphrase")
    given = ["--no-input", "--username=eve", "--email=eve@example.com"]
    call_command("createsuperuser", *given, stdout=StringIO())
    eve = User.objects.get(username="eve")
    event = AuditEvent.objects.get(action="account.created")
    assert (event.actor_text, event.target_id) == ("command createsuperuser", eve.pk)
    message = Message.objects.get()
    assert (message.kind, message.account, message.to) == ("new-superuser", root, root.email)
    assert message.about_id == eve.pk
    assert "eve" in compose_mail(message).body
