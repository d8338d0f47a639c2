"""GET /users/doctor/?q=: why a person can't sign in whose address may be nobody's."""

import pytest
from django.utils.timezone import localtime

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method
from tests.builders import PASSWORD, make_user
from tests.pages import read
from users.access import CommandActor
from users.models import User
from users.verbs.profile.verb import edit_profile
from users.web.time_html import date_text

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client) -> User:
    client.force_login(make_user("Support"))
    return make_user(username="ada", email="ada@example.com", password=PASSWORD)


def ask(client, q: str):
    return client.get("/users/doctor/", {"q": q})


@pytest.mark.parametrize("q", ["ada", "ADA ", "ada@example.com", "Ada@Example.COM", "ａｄａ"])
def test_whoever_is_there_is_looked_at(client, ada, q):
    assert ask(client, q)["Location"] == f"/users/{ada.pk}/doctor/"


def test_an_id_is_an_account_too(client, ada):
    assert ask(client, str(ada.pk))["Location"] == f"/users/{ada.pk}/doctor/"


def test_an_address_that_is_nobodys_and_one_that_looks_like_it(client, ada):
    response = ask(client, "ada@exmaple.com")
    assert response.status_code == 200
    page = read(response)
    assert page.one("p", class_="verdict").text == "No account matches “ada@exmaple.com”."
    assert (
        page.one("section", aria_labelledby="similar").one("a").attributes["href"]
        == f"/users/{ada.pk}/doctor/"
    )
    assert page.one("input", id="q").attributes["value"] == "ada@exmaple.com"
    assert not page.all("a", href="/users/new/")


def test_who_may_invite_is_offered_to(client, ada):
    client.force_login(make_user("Manager"))
    assert read(ask(client, "new@example.com")).one("main").all("a", href="/users/new/")


def test_attempts_with_exactly_this_are_told_of(client, ada):
    assert "tried to sign in" not in read(ask(client, "ada@exmaple.com")).one("main").text
    type(client)().post("/login/", {"login": "ada@exmaple.com", "password": PASSWORD})
    assert (
        "Someone tried to sign in with exactly this on"
        in read(ask(client, "ADA@exmaple.com")).one("main").text
    )
    type(client)().post("/login/", {"login": "Ada@Exmaple.com", "password": PASSWORD})
    assert (
        "tried to sign in with exactly this 2 times (most recently on"
        in read(ask(client, "ADA@exmaple.com")).one("main").text
    )


def test_whose_address_it_was_is_said_to_who_may_see_addresses(client, ada):
    edit_profile(ada, by=CommandActor("test"), version=None, email="ada@new.example")
    found = read(ask(client, "Ada@Example.com")).one("main").all("ul", class_="sessions")[0]
    day = date_text(localtime())
    assert " ".join(found.text.split()).startswith(f"That was the email of ada until {day}")
    assert found.one("a").attributes["href"] == f"/users/{ada.pk}/doctor/"
    tab = read(client.get(f"/users/{ada.pk}/doctor/")).one("main").text
    assert f"was the email until {day}" in " ".join(tab.split())
    client.force_login(make_user("Viewer"))
    assert "That was" not in read(ask(client, "ada@example.com")).one("main").text
    tab = read(client.get(f"/users/{ada.pk}/doctor/")).one("main").text
    assert f"The email was changed {day}" in " ".join(tab.split())
    assert "ada@example" not in tab


def test_what_can_be_nobodys_address_is_said(client, ada):
    assert "Enter a valid email address." in read(ask(client, "ada@example")).one("main").text
    assert "can’t be anybody’s" not in read(ask(client, "grace")).one("main").text


def test_without_a_question_there_is_a_form(client, ada):
    response = client.get("/users/doctor/")
    assert read(response).one("form", action="/users/doctor/").attributes["method"] == "get"
    assert not read(response).all("p", class_="verdict")


@pytest.mark.parametrize(
    "q",
    [
        "<script>alert(1)</script>",
        '"><b>',
        "%",
        "_",
        "'",
        "\\",
        "\u202e",
        "x" * 254,
        "a b",
        "1" * 30,
    ],
)
def test_hostile_text_is_text(client, ada, q):
    response = ask(client, q)
    assert response.status_code == 200
    assert b"<script>alert" not in response.content
    assert q in read(response).one("p", class_="verdict").one("strong").raw_text


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("q=a%00b", "q"), ("q=" + "x" * 255, "q"), ("q=a&q=b", "q"), ("p=a", "p")],
)
def test_a_parameter_that_means_nothing_is_named(client, ada, query, parameter):
    response = client.get(f"/users/doctor/?{query}")
    assert response.status_code == 400
    assert read(response).one("p", class_="status").one("code").text == parameter
    assert read(response).one("main").all("a", href="/users/doctor/")


def test_staff_without_a_role_learn_nothing(client):
    clerk = make_user(is_staff=True)
    client.force_login(clerk)
    assert_denied(ask(client, "ada"), "users.view_user", actor=clerk, action="view")


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, "/users/doctor/?q=ada")


def test_the_page_is_only_read(client, ada):
    assert_wrong_method(client, "/users/doctor/", allowed="GET, HEAD")
