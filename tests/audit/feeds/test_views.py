"""The page /audit/feeds/ and its button."""

import pytest
from audit_settings import FeedSettings

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method
from tests.audit.tampering import make_events
from tests.builders import make_user
from tests.pages import read
from users.audit.feeds.models import DeadLetter, Feed
from users.audit.models import AuditEvent
from users.database.clock import current_time

pytestmark = pytest.mark.django_db
PATH = "/audit/feeds/"
REPLAY = "/audit/feeds/replay/"


def test_the_page_and_the_button_have_their_ladder(client):
    assert_sent_to_sign_in(client, PATH)
    support = make_user("Support")
    client.force_login(support)
    denied = client.get(PATH)
    assert_denied(denied, "users.view_auditevent", actor=support, action="view_audit")
    auditor = make_user("Auditor")
    client.force_login(auditor)
    denied = client.post(REPLAY)
    assert_denied(denied, "users.control_job", actor=auditor, action="control_jobs")
    assert_wrong_method(client, PATH, allowed="GET, HEAD")
    assert client.get(REPLAY).status_code == 405
    assert client.get(PATH + "?x=1").status_code == 400


def test_the_page_shows_state_and_dead_letters_and_sends_them_again(client, settings):
    url = "https://siem.example.com/token-xyzzy"
    settings.AUDIT_FEEDS = FeedSettings(webhook=url, secrets=("whsec_xyzzy",))
    client.force_login(make_user("Auditor"))
    assert "Not started" in read(client.get(PATH)).text
    make_events(1)
    now = current_time()
    error = "the webhook answered with status 500"
    feed = Feed.objects.create(name="webhook", error=error, failed_at=now)
    event = AuditEvent.objects.latest("pk")
    letter = DeadLetter.objects.create(feed=feed, event=event, at=now, error="refused")
    page = client.get(PATH)
    text = read(page).text
    assert "siem.example.com" in text
    assert error in text
    assert f"/audit/{event.pk}/" in page.content.decode()
    assert "xyzzy" not in page.content.decode()
    assert "Send all again" not in text
    client.force_login(make_user("Manager"))
    assert "Send all again" in read(client.get(PATH)).text
    assert client.post(REPLAY).status_code == 302
    letter.refresh_from_db()
    assert letter.is_due
    assert "will be sent again" in read(client.get(PATH)).text
