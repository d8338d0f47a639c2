"""GET /users/<id>/presence/: who else has this account open, and what they have just changed."""

import re
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
from tests.builders import make_superuser, make_user
from tests.pages import read
from users.caching import generation
from users.presence.forgetting import forget_presence
from users.presence.models import Presence
from users.presence.tasks import sweep_presence
from users.verbs.profile.verb import edit_profile
from users.verbs.suspension.verb import suspend_account

pytestmark = pytest.mark.django_db
PART = {"HX-Request": "true", "HX-Target": "presence"}


@pytest.fixture
def ada():
    return make_user(username="ada")


@pytest.fixture
def ana():
    return make_user("Support", first_name="Ana", last_name="Lima")


@pytest.fixture
def agent(client):
    agent = make_user("Support", first_name="Bo")
    client.force_login(agent)
    return agent


def path(account, query: str = "version=1") -> str:
    return f"/users/{account.pk}/presence/?{query}"


def looks(viewer, account, query: str = "version=1"):
    client = Client()
    client.force_login(viewer)
    return client.get(path(account, query), headers=PART)


def ago(viewer, **columns: int) -> None:
    """Sets the moments of the viewer's rows back by seconds."""
    moments = {
        name: timezone.now() - timedelta(seconds=seconds) for name, seconds in columns.items()
    }
    Presence.objects.filter(viewer_id=viewer.pk).update(**moments)


def says(response) -> str:
    assert response.status_code == 200
    return read(response).text


def test_whoever_else_has_the_account_open_is_named(client, agent, ada, ana):
    assert says(client.get(path(ada))) == ""
    assert says(looks(ana, ada)) == "Also viewing: Bo"
    assert says(client.get(path(ada))) == "Also viewing: Ana Lima"
    assert says(client.get(path(make_user()))) == ""


def test_somebody_with_a_form_is_editing_until_they_have_left_it(client, agent, ada, ana):
    looks(ana, ada, "version=1&form=1")
    looks(ana, ada)  # a second tab, which is no form
    assert says(client.get(path(ada))) == "Editing: Ana Lima"
    ago(ana, editing_at=41)
    assert says(client.get(path(ada))) == "Also viewing: Ana Lima"
    looks(ana, ada, "version=1&editing=1")  # a field in its place
    assert says(client.get(path(ada))) == "Editing: Ana Lima"
    looks(ana, ada, "version=1&editing=0")  # it has been saved
    assert says(client.get(path(ada))) == "Also viewing: Ana Lima"
    looks(make_user("Viewer", first_name="Cy"), ada, "version=1&form=1")
    assert says(client.get(path(ada))) == "Editing: Cy · Also viewing: Ana Lima"


def test_somebody_who_has_not_asked_for_a_minute_is_not_there(client, agent, ada, ana):
    looks(ana, ada)
    ago(ana, at=61)
    assert says(client.get(path(ada))) == ""


def test_of_a_crowd_five_are_named(client, agent, ada):
    for number in range(7):
        looks(make_user("Viewer", first_name=f"Cy{number}"), ada)
    text = says(client.get(path(ada)))
    assert text.endswith("Cy3, Cy4 and 2 more")
    assert "Cy5" not in text


def test_what_others_have_just_changed_is_told_with_a_way_to_see_it(client, agent, ada, ana):
    edit_profile(ada, by=ana, version=1, phone="12345", email="a@b.example")
    answer = client.get(
        path(ada), headers=PART | {"HX-Current-URL": f"http://testserver/users/{ada.pk}/access/"}
    )
    assert re.fullmatch(r"Ana Lima changed the email and the phone \d+ s ago — show", says(answer))
    assert read(answer).one("a").attributes["href"] == f"/users/{ada.pk}/access/"
    suspend_account(ada, by=ana, reason="Spam")
    assert re.match(r"Ana Lima suspended this account \d+ s ago", says(client.get(path(ada))))
    assert says(client.get(path(ada, "version=3"))) == ""


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x",
        "/users/",
        "javascript:alert(1)",
        "http://testserver//evil.example/",
        "%",
        "http://[",
    ],
)
def test_the_way_leads_to_this_account_whatever_the_browser_says(client, agent, ada, ana, url):
    edit_profile(ada, by=ana, version=1, phone="12345")
    answer = client.get(path(ada), headers=PART | {"HX-Current-URL": url})
    assert read(answer).one("a").attributes["href"] == f"/users/{ada.pk}/"


def test_on_a_form_there_is_no_link_that_would_lose_what_is_typed(client, agent, ada, ana):
    edit_profile(ada, by=ana, version=1, phone="12345")
    for query in ("version=1&form=1", "version=1&editing=1"):
        answer = client.get(path(ada, query))
        assert "your changes will be merged" in says(answer)
        assert read(answer).all("a") == []


def test_what_the_viewer_did_is_no_news(client, agent, ada, ana):
    edit_profile(ada, by=agent, version=1, phone="12345")
    assert says(client.get(path(ada))) == ""


def test_a_change_that_no_event_tells_of_is_told_too(client, agent, ada):
    type(ada).objects.filter(pk=ada.pk).update(version=2)
    assert says(client.get(path(ada))) == "This account has changed — show"


def test_what_the_page_says_already_is_not_sent_again(client, agent, ada, ana):
    looks(ana, ada)
    answer = client.get(path(ada, "version=1&form=1"))
    again = read(answer).all("div")[0].attributes["hx-get"]
    assert "form=1" in again
    assert client.get(again).status_code == 204
    looks(ana, ada, "version=1&form=1")
    assert says(client.get(again)) == "Editing: Ana Lima"


def test_names_are_text(client, agent, ada):
    hostile = make_user("Viewer", first_name="<b>x</b>", last_name='"\\')
    looks(hostile, ada)
    assert says(client.get(path(ada))) == 'Also viewing: <b>x</b> "\\'


@pytest.mark.parametrize("changed", [False, True])
def test_it_costs_one_query_and_another_where_there_is_news(client, agent, ada, ana, changed):
    for number in range(4):
        looks(make_user("Viewer", first_name=f"Cy{number}"), ada)
    if changed:
        edit_profile(ada, by=ana, version=1, phone="12345")
    client.get(path(ada))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        client.get(path(ada))
    own = [
        query["sql"]
        for query in queries
        if "presence" in query["sql"] or "auditevent" in query["sql"]
    ]
    assert len(own) == 1 + changed
    assert len(queries) == 2 + changed, [query["sql"] for query in queries]


def test_looking_makes_no_kept_page_old(client, agent, ada):
    before = generation.current_generations()
    client.get(path(ada))
    client.get(path(ada))
    assert generation.current_generations() == before
    assert Presence.objects.count() == 1


def test_old_rows_are_swept_and_an_account_is_forgotten(client, agent, ada, ana):
    looks(ana, ada)
    client.get(path(ada))
    ago(ana, at=61)
    sweep_presence()
    assert [row.viewer_id for row in Presence.objects.all()] == [agent.pk]
    client.get(path(make_user()))
    forget_presence(ada.pk)
    assert Presence.objects.count() == 1
    forget_presence(agent.pk)
    assert Presence.objects.count() == 0


@pytest.mark.parametrize("page", ["", "edit/", "edit/phone/", "roles/", "access/"])
def test_the_pages_of_an_account_ask_with_the_version_that_they_show(client, ada, page):
    client.force_login(make_superuser())
    edit_profile(ada, by=make_superuser(), version=1, phone="12345")
    strip = read(client.get(f"/users/{ada.pk}/{page}")).one("div", id="presence").all("div")[1]
    is_form = page not in ("", "access/")
    assert strip.attributes["hx-get"] == f"/users/{ada.pk}/presence/?version=2" + (
        "&form=1" if is_form else ""
    )
    assert client.get(strip.attributes["hx-get"]).status_code == 200


def test_nothing_of_it_is_kept(client, agent, ada):
    assert "no-store" in client.get(path(ada))["Cache-Control"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "version=",
        "version=0",
        "version=-1",
        "version=x",
        "version=1&version=2",
        "version=1&form=x",
        "version=1&x=1",
        f"version={2**63}",
        "version=%00",
        "version=٣",
    ],
)
def test_a_query_that_means_nothing_is_named(client, agent, ada, query):
    response = client.get(path(ada, query))
    assert response.status_code == 400
    assert read(response).one("h1").text == "This link isn’t valid"
    assert not Presence.objects.exists()


def test_somebody_who_is_not_staff_is_refused(client, ada):
    client.force_login(ada)
    assert_denied(client.get(path(ada)), "", actor=ada, action="enter")


def test_staff_who_may_not_see_accounts_learn_nothing(client, ada, ana):
    looks(ana, ada)
    viewer = make_user(is_staff=True)
    client.force_login(viewer)
    assert_denied(client.get(path(ada)), "users.view_user", actor=viewer, action="view")


def test_strangers_are_sent_to_sign_in(client, ada):
    assert_sent_to_sign_in(client, path(ada), methods=("get",), background=True)


def test_an_unknown_id_is_not_found(client, agent):
    assert_not_found(client, "/users/{}/presence/?version=1", methods=("get",))
    assert not Presence.objects.exists()


def test_other_methods_are_refused(client, agent, ada):
    assert_wrong_method(client, path(ada), allowed="GET, HEAD")
