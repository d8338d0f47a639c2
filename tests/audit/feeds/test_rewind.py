"""manage.py audit_rewind sends the events of a feed again."""

from io import StringIO

import pytest
from audit_settings import FeedSettings
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.audit.feeds.test_delivery import seal
from users.audit.feeds import delivery
from users.audit.feeds.models import Feed
from users.audit.models import AuditEvent

pytestmark = pytest.mark.django_db


class StoringSender:
    batch_size = 1

    def __init__(self) -> None:
        self.ids: list[int] = []

    def send(self, events) -> None:
        self.ids += [event.pk for event in events]

    def close(self) -> None:
        pass


def rewind(*arguments: str) -> str:
    output = StringIO()
    call_command("audit_rewind", *arguments, "--reason", "Disk lost", stdout=output)
    return output.getvalue()


def test_a_feed_sends_again_from_an_event_on(settings, monkeypatch):
    settings.AUDIT_FEEDS = FeedSettings(webhook="https://siem.example.com/", secrets=("whsec_x",))
    with pytest.raises(CommandError, match="not started"):
        rewind("webhook", "1", "--yes")
    sender = StoringSender()
    monkeypatch.setattr(delivery, "feed_senders", lambda: {"webhook": lambda: sender})
    delivery.deliver_all()
    ids = seal(4)
    delivery.deliver_all()
    assert sender.ids == ids
    monkeypatch.setattr("builtins.input", lambda question: "n")
    with pytest.raises(CommandError, match=r"^Nothing was changed.$"):
        rewind("webhook", str(ids[2]))
    with pytest.raises(CommandError, match="no sealed event"):
        rewind("webhook", "999999", "--yes")
    with pytest.raises(CommandError, match="no feed syslog"):
        rewind("syslog", str(ids[2]), "--yes")
    # A worker is sending at this moment.
    sending = delivery.claim_feed("webhook")
    monkeypatch.setattr("builtins.input", lambda question: "y")
    said = rewind("webhook", str(ids[2]), "--ticket", "OPS-7")
    assert said == "The worker sends 2 events again.\n"
    with pytest.raises(delivery.LostClaim):
        delivery.store_progress(sending, position=sending.position)
    delivery.deliver_all()
    assert sender.ids == ids + ids[2:]
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.reason, event.ticket) == (
        "audit.feed_rewound",
        "Disk lost",
        "OPS-7",
    )
    assert event.after == {"feed": "webhook", "from_event": ids[2], "events": 2}
    assert Feed.objects.get().position == 4
