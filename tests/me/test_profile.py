"""GET and POST /me/"""

import pytest

from tests.answers import assert_sent_to_sign_in, assert_wrong_method, errors_of
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.django_db

PATH = "/me/"


@pytest.fixture
def ada(client):
    ada = make_user(username="ada", first_name="Ada", last_name="Lovelace")
    client.force_login(ada)
    return ada


def test_anybody_edits_their_own_profile(client, ada):
    sent = form(client.get(PATH), PATH)
    assert sent == {
        "version": "1",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "phone": "",
        "locale": "",
        "time_zone": "",
        "accepts_announcements": "no",
    }
    response = client.post(
        PATH, sent | {"last_name": "King", "time_zone": "Europe/London"}, follow=True
    )
    assert response.redirect_chain == [(PATH, 302)]
    assert read(response).one("p", class_="note success").text == "Saved."
    ada.refresh_from_db()
    assert (ada.last_name, ada.time_zone, ada.version) == ("King", "Europe/London", 2)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.target_id) == ("account.edited", ada.pk, ada.pk)


def test_what_is_not_ones_own_to_change_stays(client, ada):
    more = {
        "username": "root",
        "email": "root@example.com",
        "is_staff": "on",
        "is_superuser": "on",
        "status": "invited",
    }
    client.post(PATH, form(client.get(PATH), PATH) | more | {"phone": "12345"})
    ada.refresh_from_db()
    assert (ada.phone, ada.username, ada.email, ada.status) == (
        "12345",
        "ada",
        "ada@example.com",
        "active",
    )
    assert (ada.is_staff, ada.is_superuser) == (False, False)


def test_what_staff_and_the_owner_change_merges_and_no_name_of_staff_is_told(client, ada):
    sent = form(client.get(PATH), PATH) | {"first_name": "Augusta"}
    edit_profile(
        ada, by=make_superuser(first_name="Secret", username="secret"), version=1, phone="12345"
    )
    message = read(client.post(PATH, sent, follow=True)).one("p", class_="note success").text
    assert message == "Saved. Meanwhile someone changed the phone; both changes are kept."
    ada.refresh_from_db()
    assert (ada.first_name, ada.phone) == ("Augusta", "12345")


def test_the_same_field_is_asked_about_and_no_name_of_staff_is_told(client, ada):
    sent = form(client.get(PATH), PATH) | {"first_name": "Augusta"}
    edit_profile(
        ada,
        by=make_superuser(first_name="Secret", username="secret"),
        version=1,
        first_name="Adelaide",
        phone="12345",
    )
    response = client.post(PATH, sent)
    assert response.status_code == 409
    page = read(response)
    assert [radio.attributes["value"] for radio in page.all("input", type="radio")] == [
        "Adelaide",
        "Augusta",
        "Ada",
    ]
    assert "secret" not in page.text.lower()
    again = form(response, PATH)
    assert again == {
        "version": "2",
        "last_name": "Lovelace",
        "phone": "12345",
        "locale": "",
        "time_zone": "",
        "accepts_announcements": "no",
    }
    assert client.post(PATH, again).status_code == 422  # nothing is chosen
    assert client.post(PATH, again | {"first_name": "Augusta"}).status_code == 302
    ada.refresh_from_db()
    assert ada.first_name == "Augusta"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first_name", "x" * 151),
        ("last_name", "a\x00b"),
        ("phone", "call me"),
        ("locale", "?"),
        ("time_zone", "Moon"),
        ("version", ""),
        ("version", "abc"),
    ],
)
def test_bad_input_is_named_and_kept(client, ada, field, value):
    response = client.post(PATH, form(client.get(PATH), PATH) | {field: value})
    assert response.status_code == 422
    assert errors_of(response)
    assert form(response, PATH)[field] == value
    ada.refresh_from_db()
    assert ada.version == 1


def test_staff_find_their_rooms_there_and_everybody_else_none(client, ada):
    assert read(client.get(PATH)).one("nav", class_="rooms").all("a") == []
    client.force_login(make_user("Manager"))
    rooms = read(client.get(PATH)).one("nav", class_="rooms").all("a")
    assert [room.attributes["href"] for room in rooms] == [
        "/",
        "/users/",
        "/users/doctor/",
        "/audit/",
        "/mail/",
        "/jobs/",
        "/imports/",
        "/exports/",
        "/staff/",
    ]


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, PATH)


def test_other_methods_are_refused(client, ada):
    assert_wrong_method(client, PATH, allowed="GET, HEAD, POST")


def test_the_innermost_room_is_the_current_one(client, ada):
    client.force_login(make_user("Manager"))
    for path, room in {
        "/users/doctor/": "/users/doctor/",
        "/users/": "/users/",
        f"/users/{ada.pk}/doctor/": "/users/",
        "/jobs/": "/jobs/",
    }.items():
        page = read(client.get(path))
        current = page.one("nav", class_="rooms").all("a", aria_current="page")
        assert [link.attributes["href"] for link in current] == [room]


def test_the_keys_are_a_page_that_is_signed_in_for(client, ada):
    client.force_login(make_user("Manager"))
    assert read(client.get("/me/shortcuts/")).one("h1").text == "Keyboard shortcuts"
    link = read(client.get(PATH)).one("a", class_="shortcuts")
    assert link.attributes["href"] == "/me/shortcuts/"
    assert_wrong_method(client, "/me/shortcuts/", allowed="GET, HEAD")
    client.logout()
    assert_sent_to_sign_in(client, "/me/shortcuts/", methods=("get",))
