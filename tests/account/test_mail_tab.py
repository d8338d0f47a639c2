"""GET /users/<id>/mail/"""

import pytest
from django.utils import timezone

from tests.builders import make_user
from tests.pages import read
from tests.plans import assert_no_sort, plans
from users.account.mail_list import SIZE, mail_page
from users.mail.models import Message

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
        [plan] = plans(lambda query=query: mail_page(ada, query))
        assert_no_sort(plan)
        assert "message_by_account" in plan, plan
