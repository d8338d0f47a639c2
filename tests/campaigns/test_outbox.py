"""GET /mail/outbox/ and /mail/failed/, and GET and POST /mail/search/"""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method
from tests.builders import make_user
from tests.campaigns.running import queued, readers
from tests.pages import read
from tests.plans import assert_no_sort, plans
from users.campaigns import message_lists, message_views
from users.campaigns.waiting_reasons import waiting_reason
from users.mail.claims import SERVER_WAIT
from users.mail.models import Letter, MailServer, Message
from users.mail.rates import DOMAIN_WAIT
from users.models import User

pytestmark = pytest.mark.django_db
NOW = timezone.now()
HOUR = f"{NOW + timedelta(hours=2):%H}"
CLOSED = {"from": f"{HOUR}:00", "to": f"{HOUR}:30", "zone": "UTC"}


@pytest.fixture
def manager(client) -> User:
    manager = make_user("Manager")
    client.force_login(manager)
    return manager


def post(account: User, minutes: int = -1, **fields) -> Message:
    due = NOW + timedelta(minutes=minutes)
    fields = {"kind": "invitation", "to": account.email, "due_at": due} | fields
    return Message.objects.create(account=account, **fields)


@pytest.mark.parametrize(
    ("letter", "message", "reason"),
    [
        ({"paused_at": NOW}, {}, "Paused since"),
        ({"not_before": NOW + timedelta(hours=1)}, {}, "Sending begins at"),
        ({"hours": CLOSED}, {}, "Outside its sending hours"),
        ({"per_minute": 60}, {}, "Queued; limited to 60 emails per minute."),
        ({}, {}, "Queued. Individual emails are sent first."),
        (
            {},
            {"minutes": 5, "error": "451 later", "attempts": 1},
            "The last attempt failed: 451 later",
        ),
        (None, {"minutes": 5, "attempts": 1}, "Being sent."),
        (None, {}, "Next to be sent."),
        # Nobody tried these.
        (
            {},
            {"minutes": 5, "waiting_reason": DOMAIN_WAIT.format("x.com")},
            "Delayed by the rate limit for x.com",
        ),
        ({}, {"waiting_reason": DOMAIN_WAIT.format("x.com")}, "Due now. Delayed by the rate limit"),
        ({}, {"waiting_reason": SERVER_WAIT.format("No")}, "Waiting for the mail server: No"),
        (
            {},
            {"waiting_reason": SERVER_WAIT.format("No"), "error": "451 later", "attempts": 1},
            "Due now. Waiting for the mail server: No. The last attempt failed: 451 later",
        ),
        ({}, {"error": "451 later", "attempts": 1}, "Retrying now. The last attempt failed: 451"),
    ],
)
def test_each_message_says_why_it_waits(letter, message, reason):
    if letter is not None:
        row = Letter.objects.create(subject="x", text="y", is_bulk=True, **letter)
        message = message | {"letter": row, "is_bulk": True}
    shown = waiting_reason(post(make_user(), **message), NOW)
    assert reason in shown
    assert ("failed" in shown) == ("attempts" in message and "error" in message)


def test_a_mail_server_that_is_away_is_named(client, manager):
    MailServer.objects.create(pk=1, error="Connection refused", failed_at=NOW, probe_at=NOW)
    assert "Connection refused" in read(client.get("/mail/outbox/")).one("div", class_="notes").text


def test_the_outbox_is_paged_in_the_order_of_sending(client, manager, monkeypatch):
    monkeypatch.setattr(message_lists, "PAGE_SIZE", 2)
    single = [post(make_user(), minutes).pk for minutes in (-3, 5, -9)]
    campaign = queued(client, manager, readers(3))
    bulk = [*Message.objects.filter(letter=campaign.letter_id).order_by("pk").values_list("pk")]
    expected = [single[2], single[0], single[1], *[pk for (pk,) in bulk]]
    found = []
    url = "/mail/outbox/"
    while url:
        response = client.get(url)
        found += [message.pk for message in response.context["mails"]]
        url = response.context["more"]
    assert found == expected
    assert "New terms" in read(response).one("tbody").text
    assert len(client.get("/mail/outbox/?lane=individual").context["mails"]) == 2
    for lane in ("", "bulk"):
        after = message_lists.format_position(Message.objects.get(pk=expected[3]))
        for plan in plans(lambda: message_lists.outbox_page(lane=lane, after=after)):  # noqa: B023
            assert_no_sort(plan)
            assert "message_in_turn" in plan
    for bad in ("after=1", "after=1.x.2", "lane=slow", "colour=red"):
        assert client.get(f"/mail/outbox/?{bad}").status_code == 400


def test_an_address_finds_its_messages_whatever_its_spelling(client, manager, monkeypatch):
    monkeypatch.setattr(message_lists, "PAGE_SIZE", 1)
    ada = make_user(email="Ada.L@Example.com")
    first = post(ada, state="sent")
    second = post(ada, kind="verification")
    post(make_user(email="ada.l@example.org"))
    assert read(client.get("/mail/search/")).one("form", action="/mail/search/")
    response = client.post("/mail/search/", {"address": " ada.l@EXAMPLE.com "})
    assert response.status_code == 200
    assert [message.pk for message in response.context["mails"]] == [second.pk]
    button = read(response).one("button", name="after")
    older = {"address": "ada.l@example.com", "after": button.attributes["value"]}
    response = client.post("/mail/search/", older)
    assert [message.pk for message in response.context["mails"]] == [first.pk]
    filtered = {"address": "ada.l@example.com", "state": "sent", "kind": "invitation"}
    response = client.post("/mail/search/", filtered)
    assert [message.pk for message in response.context["mails"]] == [first.pk]
    assert "/mail/search/?" not in response.content.decode()
    response = client.post("/mail/search/", {"address": "ada.l"})
    assert "No emails found" in read(response).text
    for bad in ({"address": ""}, {"address": "a", "after": "0"}, {"address": "a", "kind": "x"}):
        assert client.post("/mail/search/", bad).status_code == 422


def test_a_search_reads_a_range_of_an_index(manager):
    others = [
        Message(account=manager, kind="letter", to=f"x{number}@example.com")
        for number in range(1000)
    ]
    Message.objects.bulk_create(others)
    found = plans(
        lambda: message_lists.address_page("x7@example.com", after=10**12),
        analyze=["users_message"],
    )
    for plan in found:
        assert "message_by_address" in plan


def test_masked_viewers_find_whole_addresses_and_see_none(client):
    account = make_user(email="ada@example.com")
    post(account)
    client.force_login(make_user("Viewer"))
    response = client.post("/mail/search/", {"address": "ada@example.com"})
    assert len(response.context["mails"]) == 1
    assert "ada@example.com" not in read(response).one("table").text
    assert "ada@example.com" not in client.get("/mail/outbox/").content.decode()
    Message.objects.update(state="failed")
    assert "ada@example.com" not in client.get("/mail/failed/").content.decode()


def test_the_newest_failed_emails_are_listed(client, manager, monkeypatch):
    monkeypatch.setattr(message_views, "FAILED_MAX", 2)
    assert "No failed emails" in read(client.get("/mail/failed/")).one("main").text
    for days in (0, 2, 1, 40):
        at = NOW - timedelta(days=days)
        post(make_user(), state="failed", error=f"550 {days}", created_at=at)
    rows = read(client.get("/mail/failed/")).one("tbody").all("tr")
    assert [row.one("p", class_="reason").text for row in rows] == ["550 0", "550 1"]
    assert "The newest 2 of the last 30 days." in read(client.get("/mail/failed/")).one("main").text
    assert client.get("/mail/failed/?page=2").status_code == 400


def test_wrong_role_and_method(client):
    nobody = make_user()
    client.force_login(nobody)
    for path in ("/mail/outbox/", "/mail/failed/", "/mail/search/"):
        assert_denied(client.get(path), "", actor=nobody, action="enter")
    client.force_login(make_user("Viewer"))
    assert_wrong_method(client, "/mail/failed/", allowed="GET, HEAD")
    assert_wrong_method(client, "/mail/search/", allowed="GET, HEAD, POST")


def test_signed_out(client):
    for path in ("/mail/outbox/", "/mail/failed/"):
        assert_sent_to_sign_in(client, path, methods=("get",))
    assert_sent_to_sign_in(client, "/mail/search/")
