"""GET and POST /users/<id>/groups/ and /users/<id>/groups/end/"""

import pytest
from django.contrib.auth.models import Group

from tests.account_rows import events
from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_superuser, make_user
from tests.pages import form, read

pytestmark = pytest.mark.django_db
BOTH = pytest.mark.parametrize("end", ["", "end/"])


def path(account, end: str = "") -> str:
    return f"/users/{account.pk}/groups/{end}"


def group(name: str) -> str:
    return str(Group.objects.get_or_create(name=name)[0].pk)


def chosen(name: str) -> dict:
    return {"version": 1, "groups": [group(name)], "reason": "Asked"}


def names(account) -> set[str]:
    return set(account.groups.values_list("name", flat=True))


def offered(client, account, end: str = "") -> set[str]:
    boxes = read(client.get(path(account, end))).all("input", name="groups")
    return set(
        Group.objects.filter(pk__in=[box.attributes["value"] for box in boxes]).values_list(
            "name", flat=True
        )
    )


def test_a_manager_adds_to_several_groups_and_takes_one_away(client):
    manager = make_user("Manager")
    ada = make_user()
    client.force_login(manager)
    beta = group("Beta")
    pilot = group("Pilot")
    sent = form(client.get(path(ada)), path(ada)) | {"groups": [beta, pilot], "reason": "Asked"}
    response = client.post(path(ada), sent, follow=True)
    assert "to Beta, Pilot." in read(response).one("p", class_="note success").text
    assert names(ada) == {"Beta", "Pilot"}
    assert (
        client.post(
            path(ada, "end/"), {"version": 2, "groups": [beta], "reason": "Left"}
        ).status_code
        == 302
    )
    assert names(ada) == {"Pilot"}
    added, removed = events(ada)
    assert (added.action, added.reason, added.before, added.after) == (
        "account.groups_added",
        "Asked",
        {"groups": []},
        {"groups": ["Beta", "Pilot"]},
    )
    assert (removed.action, removed.after) == ("account.groups_removed", {"groups": ["Pilot"]})


def test_what_is_offered_is_what_the_viewer_can_give_and_what_there_is_to_take(client):
    client.force_login(make_user("Manager"))  # who lacks a right of auditors
    ada = make_user()
    group("Beta")
    assert offered(client, ada) == {"Viewer", "Support", "Manager", "Beta"}
    ada.groups.add(group("Beta"))
    assert offered(client, ada) == {"Viewer", "Support", "Manager"}
    assert offered(client, ada, "end/") == {"Beta"}
    client.force_login(make_superuser())
    assert {"Auditor", "Administrator"} <= offered(client, ada)


def test_nobody_gives_a_group_with_rights_that_they_lack(client):
    manager = make_user("Manager")
    ada = make_user()
    client.force_login(manager)
    response = client.post(path(ada), chosen("Administrator"))
    assert_denied(response, "users.approve_role", actor=manager, target=ada, action="change_groups")
    assert names(ada) == set()


def test_a_group_alone_lets_nobody_into_the_back_office(client):
    client.force_login(make_user("Manager"))
    ada = make_user()
    client.post(path(ada), chosen("Manager"))
    client.force_login(ada)
    assert client.get("/users/").status_code == 403


def test_administrator_is_added_only_with_a_reason_and_the_username(client):
    client.force_login(make_superuser())
    ada = make_user("Viewer", username="ada")
    sent = chosen("Administrator") | {"reason": ""}
    assert "Required to grant Administrator." in read(client.get(path(ada))).one("main").text
    response = client.post(path(ada), sent)
    assert response.status_code == 422
    assert "Type ada to grant Administrator." in errors_of(response)
    assert "This field is required." in errors_of(response)
    assert names(ada) == {"Viewer"}
    labels = [label.text for label in read(response).all("label")]
    assert {"Reason", "Username of this account"} <= set(labels), "neither is optional"
    sent |= {"reason": "New lead", "typed_username": "ada"}
    assert client.post(path(ada), sent).status_code == 302
    assert names(ada) == {"Viewer", "Administrator"}


def test_the_message_says_that_a_role_has_no_effect(client):
    client.force_login(make_superuser())
    ada = make_user()
    sent = chosen("Support")
    text = read(client.post(path(ada), sent, follow=True)).one("p", class_="note success").text
    assert text.endswith("to Support. Roles have no effect without staff access.")


@BOTH
@pytest.mark.parametrize(
    ("value", "says"),
    [("", "required"), ("999999", "valid choice"), ("x", "valid"), (str(2**70), "")],
)
def test_bad_input_is_named(client, end, value, says):
    client.force_login(make_superuser())
    sent = {"version": 1, "groups": [value] if value else [], "reason": "Asked"}
    response = client.post(path(make_user("Viewer"), end), sent)
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response)), errors_of(response)


def test_where_nothing_would_change_it_is_refused(client):
    client.force_login(make_superuser())
    viewer = make_user("Viewer")
    again = client.post(path(viewer), chosen("Viewer"))
    never = client.post(path(viewer, "end/"), chosen("Beta"))
    assert (again.status_code, never.status_code) == (409, 409)
    assert "This account already has these roles." in errors_of(again)
    assert "This account has none of these roles." in errors_of(never)
    assert events(viewer) == []


@BOTH
def test_a_reason_is_required(client, end):
    client.force_login(make_superuser())
    ada = make_user("Viewer")
    response = client.post(path(ada, end), chosen("Support") | {"reason": " "})
    assert response.status_code == 422
    assert "This field is required." in errors_of(response)
    assert events(ada) == []


@BOTH
def test_a_stale_form_is_asked_about(client, end):
    client.force_login(make_superuser())
    response = client.post(path(make_user("Viewer", version=2), end), chosen("Support"))
    assert response.status_code == 409
    assert read(response).one("section", class_="versions")


@BOTH
def test_who_may_not_is_refused(client, end):
    agent = make_user("Support")
    ada = make_user()
    client.force_login(agent)
    for answer in (
        client.get(path(ada, end)),
        client.post(path(ada, end), chosen("Beta")),
    ):
        assert_denied(
            answer, "users.change_groups", actor=agent, target=ada, action="change_groups"
        )


@BOTH
def test_the_rest_of_the_ladder(client, end):
    assert_sent_to_sign_in(client, path(make_user(), end))
    client.force_login(make_superuser())
    assert_not_found(client, "/users/{}/groups/" + end)
    assert_wrong_method(client, path(make_user(), end), allowed="GET, HEAD, POST")
