"""GET /audit/<id>/"""

import pytest
from django.db import transaction

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
)
from tests.builders import make_superuser, make_user
from tests.masked_viewers import everything_but
from tests.pages import read
from users.audit.chain import seal_waiting_events
from users.audit.models import AuditEvent
from users.audit.origin import Origin, current_origin
from users.audit.record import record_event
from users.audit.redaction import redact_events
from users.models import User
from users.verbs.erasure.verb import erase_account

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ORIGIN = Origin(ip="192.0.2.77", user_agent=FIREFOX, request_id="a-request-id")


@pytest.fixture
def event() -> AuditEvent:
    """An event between two others of the same account."""
    root = make_user("Administrator", username="root")
    ada = make_user(username="ada")
    record_event("account.created", actor=root, target=ada)
    token = current_origin.set(ORIGIN)
    event = record_event(
        "account.edited",
        actor=root,
        target=ada,
        before={"email": "ada@old.example", "locale": "en", "phone": ""},
        after={"email": "ada@new.example", "locale": "en", "phone": ""},
        reason="Asked by phone",
        job_id=7,
    )
    current_origin.reset(token)
    record_event("account.suspended", actor=root, target=ada)
    seal_waiting_events()
    return AuditEvent.objects.get(pk=event.pk)


def test_the_page_of_an_event_has_everything_that_is_stored(client, event):
    client.force_login(make_user("Auditor"))
    response = client.get(f"/audit/{event.pk}/")
    page = read(response)
    assert page.one("h1").text == "Edited"
    rows = [[cell.text for cell in row.all() if cell.tag in ("th", "td")] for row in page.all("tr")]
    assert rows == [
        ["Field", "Before", "After"],
        ["Email", "ada@old.example", "ada@new.example"],
        ["Language", "en", "unchanged"],
        ["Phone", "–", "unchanged"],
    ]
    rows = [row for found in page.all("dl", class_="facts") for row in found.all("div")]
    facts = {row.one("dt").text: row.one("dd").text for row in rows}
    assert facts["Actor"].startswith("root")
    assert facts["Reason"] == "Asked by phone"
    assert facts["Job"].startswith("Job 7")
    assert facts["IP address"] == "192.0.2.77"
    assert facts["Browser"] == f"Firefox 140 on Linux {FIREFOX}"
    assert facts["Request ID"] == "a-request-id"
    assert facts["Position"] == "2"
    assert facts["Hash"] == bytes(event.chain_hash or b"").hex()
    before, after = AuditEvent.objects.exclude(pk=event.pk).order_by("pk")
    assert page.one("a", rel="prev").attributes["href"] == f"/audit/{before.pk}/"
    assert page.one("a", rel="next").attributes["href"] == f"/audit/{after.pk}/"
    assert page.all("a", href="/jobs/7/")


def test_the_page_of_an_erased_event_says_that_values_are_gone(client, event):
    ada = User.objects.get(username="ada")
    erase_account(ada, by=make_superuser(), reason="REQ-1")
    client.force_login(make_user("Auditor"))
    main = read(client.get(f"/audit/{event.pk}/")).one("main")
    rows = [[cell.text for cell in row.all("td")] for row in main.one("tbody").all("tr")]
    assert rows == 3 * [["removed", "removed"]]
    assert "Personal values, on" in main.text
    suspended = AuditEvent.objects.get(action="account.suspended")
    main = read(client.get(f"/audit/{suspended.pk}/")).one("main")
    assert "Personal values, on" in main.text


def test_a_mention_that_was_removed_is_no_lost_value(client, event):
    with transaction.atomic():
        redact_events({event.pk: {"reason": "Asked by [erased]"}})
    client.force_login(make_user("Auditor"))
    main = read(client.get(f"/audit/{event.pk}/")).one("main")
    assert "Mentions of an erased person, on" in main.text
    assert "ada@new.example" in main.text


def test_an_event_of_the_list_leads_to_its_page(client, event):
    client.force_login(make_user("Auditor"))
    first = read(client.get("/audit/")).one("ol", class_="events").all("a")[0]
    assert first.attributes["href"] == f"/audit/{AuditEvent.objects.latest('pk').pk}/"


def test_a_refusal_says_what_was_needed(client):
    ada = make_user(username="ada")
    client.force_login(ada)
    client.get("/audit/")
    client.force_login(make_user("Auditor"))
    refusal = AuditEvent.objects.latest("pk")
    page = read(client.get(f"/audit/{refusal.pk}/"))
    assert page.one("h1").text.startswith("Refused")
    assert "Not sealed yet" in page.one("main").text


def test_a_masked_viewer_sees_no_address(client, event):
    client.force_login(everything_but())
    html = client.get(f"/audit/{event.pk}/").content.decode()
    assert "a•••@old.example" in html
    assert "ada@" not in html
    assert "192.0.2.77" not in html


def test_the_page_of_an_event_climbs_the_ladder(client, event):
    path = f"/audit/{event.pk}/"
    viewer = make_user("Support")
    client.force_login(viewer)
    assert_denied(client.get(path), "users.view_auditevent", actor=viewer, action="view_audit")
    outsider = make_user()
    client.force_login(outsider)
    assert_denied(client.get(path), "", actor=outsider, action="enter")
    client.force_login(make_user("Auditor"))
    assert_not_found(client, "/audit/{}/", methods=("get",))
    assert client.get("/audit/999999/").status_code == 404
    assert_wrong_method(client, path, allowed="GET, HEAD")


def test_strangers_are_sent_to_sign_in_first(client):
    assert_sent_to_sign_in(client, "/audit/1/")
