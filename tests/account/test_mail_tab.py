"""GET /users/<id>/mail/"""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.builders import make_user
from tests.pages import read
from tests.plans import assert_no_sort, plans
from users.account.mail_list import SIZE, mail_page
from users.mail.models import DeliveryEvent, Letter, Message
from users.models import User
from users.sessions.models import SignInEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client):
    client.force_login(make_user("Support"))
    return make_user(username="ada")


def post(account, **fields) -> Message:
    return Message.objects.create(
        **{"account": account, "kind": "invitation", "to": account.email} | fields
    )


def rows(response) -> list[str]:
    return [row.text for body in read(response).all("tbody") for row in body.all("tr")]


def test_each_mail_says_what_became_of_it(client, ada):
    post(ada, state="sent", sent_at=timezone.now(), kind="password-reset")
    post(ada, state="failed", error="550 <b>no such mailbox</b>", attempts=3)
    post(make_user(), to="other@example.com")
    failed, sent = rows(client.get(f"/users/{ada.pk}/mail/"))
    assert failed.startswith(
        "Invitation ada@example.com Failed 3 attempts 550 <b>no such mailbox</b>"
    )
    assert sent.startswith("Password reset ada@example.com Sent")


def test_a_letter_is_shown_in_the_language_of_the_person(client, ada):
    german = {"subject": "Neues", "text": "Hallo {username}"}
    letter = Letter.objects.create(subject="News", text="Hello", translations={"de": german})
    post(ada, kind="letter", letter=letter)
    assert "News Hello" in rows(client.get(f"/users/{ada.pk}/mail/"))[0]
    User.objects.filter(pk=ada.pk).update(locale="de-AT")
    assert "Neues Hallo ada" in rows(client.get(f"/users/{ada.pk}/mail/"))[0]


def test_a_sent_mail_says_its_fate_with_the_reply(client, ada):
    at = datetime(2024, 3, 4, 10, 30, tzinfo=UTC)
    sent = {"state": "sent", "sent_at": at, "kind": "suspended"}
    post(ada, fate="delivered", fate_at=at, **sent)
    bounced = post(ada, fate="bounced", fate_at=at, **sent)
    post(ada, fate="delivered", fate_at=at, state="dropped", kind="suspended")
    for number, detail in enumerate(("452 full", "550 no such mailbox", "")):
        DeliveryEvent.objects.create(
            key=f"{number}",
            provider="postmark",
            kind="bounced",
            message_id=bounced.message_id,
            detail=detail,
            at=at,
        )
    dropped, failed, delivered = rows(client.get(f"/users/{ada.pk}/mail/"))
    assert "Not sent" in dropped
    assert failed.startswith(
        "Suspended ada@example.com Hard bounce 4 Mar 2024, 10:30 550 no such mail"
    )
    assert delivered.startswith("Suspended ada@example.com Delivered 4 Mar 2024, 10:30 created")


@pytest.fixture
def noon(monkeypatch):
    """A moment that is now, on a day of 2026."""
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    return now


def test_a_link_says_when_it_expires_and_whether_it_was_used(client, ada, noon):
    def sent(days: int, kind: str = "staff-reset", **fields) -> None:
        at = noon - timedelta(days=days)
        post(ada, kind=kind, state="sent", sent_at=at, **fields)

    sent(9)
    sent(8, to="former@example.com")
    sent(7)
    sent(6, "invitation")
    SignInEvent.objects.create(
        account_id=ada.pk, outcome="chosen", at=noon - timedelta(days=5, hours=2)
    )
    sent(2)
    sent(1, "password-reset")
    sent(1, "suspended")
    post(ada, kind="password-reset")
    waiting, suspended, asked, reset, used, replaced, former, expired = rows(
        client.get(f"/users/{ada.pk}/mail/")
    )
    assert "ink" not in waiting + suspended
    assert "Link expires 12 Mar, 12:00" in asked
    assert "Link expires 11 Mar, 12:00" in reset
    assert "Link used 5 Mar, 10:00" in used
    assert "Link expired 6 Mar, 12:00" in replaced
    assert "The link no longer works: the address has changed." in former
    assert "Link expired 4 Mar, 12:00" in expired
    ada.last_login = noon - timedelta(days=1, hours=1)
    ada.save()
    links = [row for row in rows(client.get(f"/users/{ada.pk}/mail/")) if "stopped" in row]
    assert len(links) == 1
    assert "Link stopped working at the sign-in 9 Mar, 11:00" in links[0]


def test_a_link_that_another_one_has_replaced_says_so(client, ada, noon):
    for hours in (30, 20):
        at = noon - timedelta(hours=hours)
        post(ada, kind="staff-reset", state="sent", sent_at=at)
    SignInEvent.objects.create(account_id=ada.pk, outcome="chosen", at=noon - timedelta(hours=10))
    used, other = rows(client.get(f"/users/{ada.pk}/mail/"))
    assert "Link used 10 Mar, 02:00" in used
    assert "Another link was used 10 Mar, 02:00" in other


def test_a_masked_address_does_not_count_as_a_changed_one(client, ada, noon):
    post(ada, kind="staff-reset", state="sent", sent_at=noon)
    client.force_login(make_user("Viewer"))
    [row] = rows(client.get(f"/users/{ada.pk}/mail/"))
    assert "Link expires 13 Mar, 12:00" in row
    assert "ada@example.com" not in row


def test_a_verification_says_that_the_address_is_verified(client, ada, noon):
    post(ada, kind="verification", state="sent", sent_at=noon - timedelta(days=9))
    path = f"/users/{ada.pk}/mail/"
    assert "Link expired 4 Mar," in rows(client.get(path))[0]
    ada.email_verified_at = noon - timedelta(days=8)
    ada.save()
    assert "Address verified 2 Mar," in rows(client.get(path))[0]


def test_the_header_says_that_the_email_bounced(client, ada):
    path = f"/users/{ada.pk}/"
    assert "Email bounced" not in client.get(path).content.decode()
    ada.email_bounced_at = timezone.now()
    ada.save()
    head = read(client.get(path)).one("div", id="head")
    assert head.one("span", class_="state bounced").text == "Email bounced"


def test_pages_follow_each_other_without_gaps_while_mail_arrives(client, ada):
    made = [post(ada, to=f"a{number}@example.com") for number in range(2 * SIZE + 1)]
    seen = []
    address = f"/users/{ada.pk}/mail/"
    while address:
        response = client.get(address)
        seen += [row.split()[1] for row in rows(response)]
        post(ada, to="late@example.com")
        address = next(
            (link.attributes["href"] for link in read(response).all("a", rel="next")), ""
        )
    assert seen == [message.to for message in reversed(made)]


def test_an_account_without_mail_says_so(client, ada):
    assert "No emails yet" in read(client.get(f"/users/{ada.pk}/mail/")).one("main").text


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("after=x", "after"),
        ("after=0", "after"),
        (f"after={2**63}", "after"),
        ("after=1&after=2", "after"),
        ("q=a", "q"),
    ],
)
def test_a_parameter_that_means_nothing_is_named(client, ada, query, parameter):
    response = client.get(f"/users/{ada.pk}/mail/?{query}")
    assert response.status_code == 400
    main = read(response).one("main")
    assert parameter in main.text
    assert main.all("a", href=f"/users/{ada.pk}/mail/")


def test_a_page_is_one_range_of_an_index(ada):
    for account in (ada, make_user()):
        Message.objects.bulk_create(
            Message(account=account, kind="invitation", to="a@example.com") for _ in range(300)
        )

    class Query(dict):
        def lists(self):
            return [(name, [value]) for name, value in self.items()]

    middle = str(Message.objects.filter(account=ada)[150].pk)
    for query in (Query(), Query(after=middle)):
        [plan] = plans(lambda query=query: mail_page(ada, query, shown=ada))
        assert_no_sort(plan)
        assert "message_by_account" in plan, plan
