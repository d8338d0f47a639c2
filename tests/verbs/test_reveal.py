"""GET and POST /users/<id>/reveal/"""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission

from tests.account_rows import events
from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_superuser, make_user
from tests.caching.looking import stored
from tests.pages import form, read
from users.database.clock import current_hour
from users.meter.models import HourlyUse
from users.models import User

pytestmark = pytest.mark.django_db
WHOLE = ["jane@example.com", "+49 1579 9887766", "Rue 7"]


@pytest.fixture
def viewer(client) -> User:
    viewer = make_user("Viewer")
    client.force_login(viewer)
    return viewer


@pytest.fixture
def jane() -> User:
    return make_user(
        username="smith",
        email="jane@example.com",
        phone="+4915799887766",
        attributes={"street": "Rue 7", "plan": "x"},
    )


def path(account: User) -> str:
    return f"/users/{account.pk}/reveal/"


def told(response) -> list[str]:
    return [value for value in WHOLE if value in response.content.decode()]


def test_a_viewer_says_why_and_sees_it_once(client, viewer, jane):
    page = client.get(f"/users/{jane.pk}/")
    assert told(page) == []
    [link] = read(page).all("a", href=path(jane))
    assert "data-post" not in link.attributes
    assert told(client.get(path(jane))) == []
    sent = form(client.get(path(jane)), path(jane)) | {"reason": " Called us "}
    response = client.post(path(jane), sent)
    assert response.status_code == 200
    assert told(response) == WHOLE
    assert response["Cache-Control"] == "no-store"
    [event] = events(jane)
    assert (event.action, event.actor_id, event.reason, event.before) == (
        "account.revealed",
        viewer.pk,
        "Called us",
        {},
    )
    assert event.after == {"fields": ["username", "email", "phone", "attributes"]}
    assert not [
        key for key, value in stored().items() if any(each.encode() in value for each in WHOLE)
    ]
    for again in (path(jane), f"/users/{jane.pk}/", "/users/", f"/users/{jane.pk}/activity/"):
        assert told(client.get(again)) == []
    jane.refresh_from_db()
    assert jane.version == 1


def test_with_the_right_to_say_nothing_it_is_one_click(client, viewer, jane):
    viewer.user_permissions.add(Permission.objects.get(codename="reveal_without_reason"))
    [link] = read(client.get(f"/users/{jane.pk}/")).all("a", href=path(jane))
    assert "data-post" in link.attributes
    response = client.post(path(jane))
    assert told(response) == WHOLE
    assert [event.reason for event in events(jane)] == [""]


def test_htmx_gets_the_values_alone(client, viewer, jane):
    response = client.post(path(jane), {"reason": "x"}, headers={"HX-Request": "true"})
    assert told(response) == WHOLE
    assert not read(response).all("html")


def test_whoever_sees_it_anyway_is_led_to_the_account(client, jane):
    client.force_login(make_user("Support"))
    for response in (client.get(path(jane)), client.post(path(jane), {"reason": "x"})):
        assert (response.status_code, response["Location"]) == (302, f"/users/{jane.pk}/")
    assert events(jane) == []
    page = read(client.get(f"/users/{jane.pk}/"))
    assert not page.all("a", href=path(jane))
    assert not page.all("p", class_="masked")


def test_an_account_above_ones_own_is_looked_at_like_any(client, viewer):
    root = make_superuser(email="root@example.com")
    assert b"root@example.com" in client.post(path(root), {"reason": "x"}).content


def test_without_the_right_nothing_is_offered_or_shown(client, jane):
    outsider = make_user(is_staff=True)
    outsider.user_permissions.add(Permission.objects.get(codename="view_user"))
    client.force_login(outsider)
    page = read(client.get(f"/users/{jane.pk}/"))
    assert page.one("p", class_="masked")
    assert not page.all("a", href=path(jane))
    for answer in (client.get(path(jane)), client.post(path(jane), {"reason": "x"})):
        assert_denied(
            answer, "users.reveal_personal", actor=outsider, target=jane, action="reveal_personal"
        )
        assert told(answer) == []


def test_signed_out(client, jane):
    assert_sent_to_sign_in(client, path(jane))


def test_bad_ids(client, viewer):
    assert_not_found(client, "/users/{}/reveal/")


@pytest.mark.parametrize("reason", ["", "   ", "x" * 3000, "lost \ufffd"])
def test_a_reason_that_is_missing_or_too_long_is_asked_for_again(client, viewer, jane, reason):
    response = client.post(path(jane), {"reason": reason})
    assert response.status_code == 422
    assert errors_of(response)
    assert told(response) == []
    assert events(jane) == []


def test_other_methods(client, viewer, jane):
    assert_wrong_method(client, path(jane), allowed="GET, HEAD, POST")


def test_only_so_many_accounts_are_revealed_in_an_hour(client, viewer, jane, settings):
    settings.REVEALS_PER_HOUR = 2
    people = [jane, make_user(), make_user()]
    statuses = [
        client.post(f"/users/{each.pk}/reveal/", {"reason": "Call"}).status_code for each in people
    ]
    assert statuses == [200, 200, 409]
    refused = client.post(f"/users/{people[2].pk}/reveal/", {"reason": "Call"})
    assert b"2 accounts within an hour" in refused.content
    assert people[2].email.encode() not in refused.content
    HourlyUse.objects.update(hour=current_hour() - timedelta(hours=1))
    assert client.post(f"/users/{people[2].pk}/reveal/", {"reason": "Call"}).status_code == 200
