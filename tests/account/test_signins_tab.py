"""GET /users/<id>/sign-ins/"""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
)
from tests.builders import PASSWORD, make_superuser, make_user
from tests.masked_viewers import everything_but
from tests.pages import read
from tests.plans import assert_no_sort, plans
from users.account.sign_in_list import SIZE, list_attempts
from users.doctor.recent_activity import recent_activity
from users.sessions.models import Session, SignInEvent

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def ada(client):
    client.force_login(make_user("Support"))
    return make_user(username="ada", password=PASSWORD)


def path(account) -> str:
    return f"/users/{account.pk}/sign-ins/"


def enter(password: str = PASSWORD, ip: str = "10.0.0.7") -> Client:
    browser = Client(headers={"User-Agent": FIREFOX}, REMOTE_ADDR=ip)
    browser.post("/login/", {"login": "ada", "password": password})
    return browser


def rows(response) -> list[str]:
    return [row.text for body in read(response).all("tbody") for row in body.all("tr")]


def sessions(response) -> list[str]:
    return [item.text for item in read(response).one("ul", class_="sessions").all("li")]


def test_attempts_are_shown_with_device_place_way_and_cause(client, ada):
    enter("wrong", ip="2001:db8::1")
    enter()
    SignInEvent.objects.create(account_id=make_user().pk, outcome="suspended")
    ok, wrong = rows(client.get(path(ada)))
    assert ok.endswith("Signed in Password Firefox 140 on Linux private network, 10.0.0.7")
    assert wrong.endswith("Wrong password Password Firefox 140 on Linux 2001:db8::1")


def test_sessions_are_shown_with_device_place_and_last_use_and_the_key_never(client, ada):
    browser = enter()
    response = client.get(path(ada))
    [session] = sessions(response)
    assert session.startswith("Firefox 140 on Linux private network, 10.0.0.7 · signed in ")
    assert session.endswith("End")
    assert browser.cookies["session"].value not in response.content.decode()
    public_id = Session.objects.get(account_id=ada.pk).public_id
    links = {
        link.attributes["href"]
        for link in read(response).one("section", aria_labelledby="sessions").all("a")
    }
    assert links == {f"/users/{ada.pk}/sessions/end/", f"/users/{ada.pk}/sessions/{public_id}/end/"}


def test_auditors_are_led_to_the_events_of_a_session(client, ada):
    enter()
    url = f"/audit/?session={Session.objects.get(account_id=ada.pk).public_id}"
    viewers = {
        make_user("Auditor"): True,
        make_user("Support"): False,
        everything_but(): False,
    }
    for viewer, is_offered in viewers.items():
        client.force_login(viewer)
        assert bool(read(client.get(path(ada))).all("a", href=url)) == is_offered
    client.force_login(make_user("Auditor"))
    assert client.get(url).status_code == 200


def test_who_may_not_end_sessions_is_offered_nothing(client, ada):
    enter()
    client.force_login(make_user("Viewer"))
    assert not read(client.get(path(ada))).one("section", aria_labelledby="sessions").all("a")


def test_one_finds_ones_own_session_among_them(client):
    me = make_superuser()
    client.force_login(me)
    [session] = sessions(client.get(path(me)))
    assert "This device" in session


def test_where_nothing_happened_the_page_says_so(client, ada):
    words = read(client.get(path(ada))).one("main").text
    assert "No active sessions." in words
    assert "No sign-in attempts yet." in words


def test_sessions_of_an_account_that_is_not_active_are_said_to_open_nothing(client):
    client.force_login(make_user("Support"))
    ada = make_user()
    Client().force_login(ada)
    type(ada).objects.filter(pk=ada.pk).update(valid_until=timezone.now() - timedelta(days=1))
    assert (
        "The account is expired, so its sessions give no access."
        in read(client.get(path(ada))).one("main").text
    )


def test_what_a_browser_says_of_itself_is_shown_and_does_nothing(client, ada):
    SignInEvent.objects.create(
        account_id=ada.pk, outcome="ok", user_agent='"><script>alert(1)</script>'
    )
    response = client.get(path(ada))
    assert b"<script>alert" not in response.content
    assert rows(response)


def test_pages_follow_each_other_without_gaps_while_people_sign_in(client, ada):
    SignInEvent.objects.bulk_create(
        SignInEvent(account_id=ada.pk, outcome="ok", user_agent=f"tool{number}/{number}")
        for number in range(2 * SIZE + 1)
    )
    seen = []
    address = path(ada)
    while address:
        response = client.get(address)
        seen += [row.split(" Password ")[1] for row in rows(response)]
        SignInEvent.objects.create(account_id=ada.pk, outcome="ok", user_agent="late/1")
        address = next(
            (link.attributes["href"] for link in read(response).all("a", rel="next")), ""
        )
    assert seen == [
        f"tool{number} {number} unknown IP address" for number in reversed(range(2 * SIZE + 1))
    ]


def test_a_page_is_one_range_of_the_index_and_costs_the_same_with_many(ada):
    for account in (ada, make_user()):
        SignInEvent.objects.bulk_create(
            SignInEvent(account_id=account.pk, outcome="ok") for _ in range(300)
        )
    middle = SignInEvent.objects.filter(account_id=ada.pk)[150].pk
    for call in (lambda: list_attempts(ada.pk), lambda: list_attempts(ada.pk, middle)):
        [plan] = plans(call)
        assert_no_sort(plan)
        assert "signin_by_account" in plan, plan
    [plan] = plans(lambda: recent_activity(ada.pk))
    assert "signin_by_account" in plan, plan


def test_many_sessions_and_attempts_cost_as_many_queries_as_none(client, ada):
    client.get(path(ada))
    with CaptureQueriesContext(connection) as without:
        client.get(path(ada))
    for _ in range(4):
        enter()
    with CaptureQueriesContext(connection) as with_them:
        assert len(rows(client.get(path(ada)))) == 4
    assert len(without) == len(with_them) <= 6


@pytest.mark.parametrize(
    "query", ["after=x", "after=0", f"after={2**63}", "after=1&after=2", "q=a"]
)
def test_a_parameter_that_means_nothing_is_named(client, ada, query):
    response = client.get(f"{path(ada)}?{query}")
    assert response.status_code == 400
    assert read(response).one("main").all("a", href=path(ada))


def test_staff_without_a_role_learn_nothing(client):
    clerk = make_user(is_staff=True)
    client.force_login(clerk)
    assert_denied(client.get(path(make_user())), "users.view_user", actor=clerk, action="view")


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, path(make_user()))


def test_an_unknown_id_is_not_found(client, ada):
    assert_not_found(client, "/users/{}/sign-ins/", methods=("get",))


def test_the_page_is_only_read(client, ada):
    assert_wrong_method(client, path(ada), allowed="GET, HEAD")
