"""GET and POST /users/<id>/edit/<field>/: a page of its own, and with HTMX a form in the place of
the value.
"""

import pytest
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.fields import PROFILE_FIELDS
from users.verbs.profile.verb import edit_profile

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of forms, and not of the database


@pytest.fixture
def agent(client):
    agent = make_user("Support")
    client.force_login(agent)
    return agent


@pytest.fixture
def ada():
    return make_user(
        username="ada", first_name="Ada", phone="+123", email_verified_at=timezone.now()
    )


def path(account, name: str = "phone") -> str:
    return f"/users/{account.pk}/edit/{name}/"


def part(name: str = "phone") -> dict[str, str]:
    return {"HX-Request": "true", "HX-Target": f"fact-{name}"}


def values(response) -> list[str]:
    return [radio.attributes["value"] for radio in read(response).all("input", type="radio")]


@pytest.mark.parametrize("name", PROFILE_FIELDS)
def test_each_field_of_the_profile_has_a_page_with_a_form_of_its_own(client, agent, ada, name):
    link = read(client.get(f"/users/{ada.pk}/")).one("a", href=path(ada, name))
    assert link.attributes["aria-label"].startswith("Edit ")
    stored = getattr(ada, name)
    assert form(client.get(path(ada, name)), path(ada, name)) == {
        "version": "1",
        name: "no" if stored is False else stored,
    }


def test_a_save_changes_this_field_alone(client, agent, ada):
    response = client.post(
        path(ada),
        {"version": "1", "phone": "+4 56", "first_name": "Eve", "is_staff": "on"},
        follow=True,
    )
    assert response.redirect_chain == [(f"/users/{ada.pk}/", 302)]
    assert read(response).one("p", class_="note success").text == "Profile of Ada saved."
    event = AuditEvent.objects.get(action="account.edited")
    assert (event.action, event.actor_id, event.before, event.after) == (
        "account.edited",
        agent.pk,
        {"phone": "+123"},
        {"phone": "+456"},
    )


def test_htmx_gets_a_form_in_the_place_of_the_value(client, agent, ada):
    row = read(client.get(f"/users/{ada.pk}/")).one("div", id="fact-phone")
    link = row.one("a", class_="pencil")
    assert link.attributes["hx-target"] == "#fact-phone"
    answer = read(client.get(path(ada), headers=part()))
    assert answer.all("html") == answer.all("h1") == []
    place = answer.one("div", id="fact-phone")
    assert place.one("input", name="phone").attributes["value"] == "+123"
    assert place.one("label").attributes["for"] == place.one("input", name="phone").attributes["id"]
    cancel = place.one("a", data_cancel="")
    assert (cancel.attributes["href"], cancel.attributes["hx-select"]) == (
        f"/users/{ada.pk}/",
        "#fact-phone",
    )
    whole = read(client.get(cancel.attributes["hx-get"], headers=part()))
    assert whole.one("div", id="fact-phone").text == row.text


def test_htmx_gets_the_new_value_and_what_is_said_about_it(client, agent, ada):
    answer = read(
        client.post(
            path(ada, "first_name"),
            {"version": "1", "first_name": "Eve"},
            headers=part("first_name"),
        )
    )
    assert "Eve" in answer.one("div", id="fact-first_name").one("dd").text
    assert answer.one("a", class_="pencil").attributes["href"] == path(ada, "first_name")
    assert answer.one("p", id="said").text == "First name: Saved."
    assert answer.one(id="head").one("h1").text == "Eve"
    assert answer.one("title").text == "Eve · Rollcall"


def test_a_new_address_is_not_a_verified_one(client, agent, ada):
    answer = read(
        client.post(
            path(ada, "email"), {"version": "1", "email": "ada@b.example"}, headers=part("email")
        )
    )
    assert answer.one("div", id="fact-email").one("span", class_="tag").text == "not verified"


@pytest.mark.parametrize(
    ("headers", "says"),
    [({}, "Profile of Adelaide saved."), (part(), "Saved.")],
    ids=["page", "part"],
)
def test_what_changed_meanwhile_elsewhere_merges(client, agent, ada, headers, says):
    edit_profile(ada, by=make_superuser(first_name="Ana"), version=1, first_name="Adelaide")
    response = client.post(
        path(ada), {"version": "1", "phone": "+456"}, headers=headers, follow=True
    )
    merged = "Meanwhile Ana changed the first name; both changes are kept."
    assert f"{says} {merged}" in read(response).text
    ada.refresh_from_db()
    assert (ada.first_name, ada.phone) == ("Adelaide", "+456")


@pytest.mark.parametrize("headers", [{}, part()], ids=["page", "part"])
def test_the_same_field_is_asked_about(client, agent, ada, headers):
    edit_profile(ada, by=make_superuser(first_name="Ana"), version=1, phone="+789")
    response = client.post(path(ada), {"version": "1", "phone": "+456"}, headers=headers)
    assert (response.status_code, values(response)) == (409, ["+789", "+456", "+123"])
    again = form(response, path(ada))
    assert again["version"] == "2"
    assert "phone" not in again
    assert client.post(path(ada), again, headers=headers).status_code == 422  # nothing is chosen
    assert (
        client.post(path(ada), again | {"phone": "+456"}, headers=headers, follow=True).status_code
        == 200
    )
    ada.refresh_from_db()
    assert (ada.phone, ada.version) == ("+456", 3)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("username", "", "required"),
        ("username", "someone@else.example", "must be the account’s own address"),
        ("email", "taken@example.com", "Another account has this address."),
        ("phone", "call me", "phone number"),
        ("first_name", "a\x07b", "control character"),
        ("last_name", "x" * 151, "at most 150"),
        ("time_zone", '"><b>', "time zone"),
    ],
)
@pytest.mark.parametrize("htmx", [False, True])
def test_bad_input_is_named_beside_the_field_and_kept(client, agent, ada, name, value, says, htmx):
    make_user(username="taken")
    response = client.post(
        path(ada, name), {"version": "1", name: value}, headers=part(name) if htmx else {}
    )
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response)), errors_of(response)
    assert form(response, path(ada, name))[name] == value
    control = read(response).one("input", name=name)
    assert control.attributes["aria-invalid"] == "true"
    described = [
        read(response).one(id=reference).text
        for reference in control.attributes["aria-describedby"].split()
    ]
    assert any(says in text for text in described)
    ada.refresh_from_db()
    assert ada.version == 1


@pytest.mark.parametrize(
    "sent", [{}, {"phone": "+456"}, {"version": "x", "phone": "+456"}, {"version": "1"}]
)
def test_what_did_not_come_whole_is_not_taken(client, agent, ada, sent):
    for headers in ({}, part()):
        response = client.post(path(ada), sent, headers=headers)
        assert response.status_code == 422
        assert errors_of(response)
    ada.refresh_from_db()
    assert ada.phone == "+123"


@pytest.mark.parametrize("headers", [{}, part()], ids=["page", "part"])
def test_an_account_that_is_gone_is_not_edited_and_offers_no_edit(client, agent, headers):
    ada = make_user(status="deleted", deleted_at=timezone.now())
    response = client.post(path(ada), {"version": "1", "phone": "+456"}, headers=headers)
    assert response.status_code == 409
    assert "and can’t be changed" in " ".join(errors_of(response))
    assert read(client.get(f"/users/{ada.pk}/")).all("a", class_="pencil") == []


def test_whoever_only_looks_sees_no_edit_links_and_cannot_edit(client, ada):
    viewer = make_user("Viewer")
    client.force_login(viewer)
    assert read(client.get(f"/users/{ada.pk}/")).all("a", class_="pencil") == []
    for method in (client.get, client.post):
        assert_denied(method(path(ada)), "users.edit_user", actor=viewer, target=ada, action="edit")
    answer = client.get(path(ada), headers=part())
    assert (answer.status_code, read(answer).one("div", class_="trouble").attributes["id"]) == (
        403,
        "fact-phone",
    )


@pytest.mark.parametrize(
    "name",
    ["password", "is_superuser", "status", "id", "version", "nothing", "phone-number", "Phone"],
)
def test_a_field_that_is_none_of_the_profile_is_not_found(client, agent, ada, name):
    for method in (client.get, client.post):
        assert method(path(ada, name), {"version": "1", name: "1"}).status_code == 404
    assert not AuditEvent.objects.exists()


def test_strangers_are_sent_to_sign_in(client, ada):
    assert_sent_to_sign_in(client, path(ada))


def test_an_unknown_id_is_not_found(client, agent):
    assert_not_found(client, "/users/{}/edit/phone/")


def test_other_methods_are_refused(client, agent, ada):
    assert_wrong_method(client, path(ada), allowed="GET, HEAD, POST")


def test_an_objection_about_another_field_stands_beside_this_one(client, agent):
    account = make_user(username="mail@example.com", email="mail@example.com")
    sent = {"version": "1", "email": "other@example.com"}
    for headers in ({}, part("email")):
        response = client.post(path(account, "email"), sent, headers=headers)
        assert response.status_code == 422
        assert (
            "Username: A username with an @ must be the account’s own address"
            in read(response).one("p", role="alert").text
        )
        assert read(response).one("input", name="email").attributes["value"] == "other@example.com"
    account.refresh_from_db()
    assert account.email == "mail@example.com"


def test_a_saved_field_brings_what_it_made_stale(client, agent):
    ada = make_user(first_name="Ada", email="ada@example.com", email_verified_at=timezone.now())
    fresh = client.get(f"/users/{ada.pk}/")
    assert read(fresh).one(id="head").one("h1").text == "Ada"
    data = {"version": 1, "email": "new@example.com"}
    response = client.post(f"/users/{ada.pk}/edit/email/", data, headers={"HX-Request": "true"})
    saved = read(response)
    for part in ("head", "recent"):
        assert saved.one(id=part).attributes["hx-swap-oob"] == "true"
        whole = read(client.get(f"/users/{ada.pk}/")).one(id=part)
        assert saved.one(id=part).text == whole.text
    assert "Edited" in saved.one(id="recent").text
    # The letter goes to verified addresses alone.
    assert "This address is not verified" in saved.one(id="head").text
