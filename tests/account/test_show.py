"""GET /users/<id>/"""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
)
from tests.builders import PASSWORD, make_superuser, make_user
from tests.pages import read
from users.audit.record import record_event
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.django_db


def facts(response) -> dict[str, str]:
    rows = [
        row
        for row in read(response).all("div")
        if [child.tag for child in row.children if not isinstance(child, str)] == ["dt", "dd"]
    ]
    return {row.one("dt").text: row.one("dd").text for row in rows}


def buttons(response) -> set[str]:
    actions = read(response).one("div", class_="actions")
    links = [element for element in actions.walk() if element.tag in ("a", "button")]
    return {link.text for link in links if "aria-disabled" not in link.attributes}


def test_the_page_shows_profile_state_roles_and_history(client):
    viewer = make_user("Support")
    ada = make_user(
        "Support",
        username="ada",
        first_name="Ada",
        last_name="Lovelace",
        phone="+44201234",
        locale="en-GB",
        time_zone="Europe/London",
        source="keycloak",
        source_id="k-1",
        attributes={"Plan": "gold"},
    )
    edit_profile(ada, by=make_superuser(username="root"), version=1, last_name="King")
    client.force_login(viewer)
    response = client.get(f"/users/{ada.pk}/")
    assert response.status_code == 200
    shown = facts(response)
    expected = {
        "Username": "ada",
        "Email": "ada@example.com not verified",
        "First name": "Ada",
        "Last name": "King",
        "Phone": "+44 201234",
        "Language": "British English (en-GB)",
        "Time zone": "Europe/London",
        "Last seen": "–",
        "Plan": "gold",
        "Imported from": "keycloak k-1",
        "Back-office access": "Staff",
        "Roles": "Support",
    }
    assert {name: shown[name] for name in expected} == expected
    page = read(response)
    assert page.one("h1").text == "Ada King"
    copied = page.one("p", class_="byline").one("button", class_="copy").attributes["data-copy"]
    assert copied == str(ada.pk)
    history = page.one("ol", class_="events").text
    assert "root · Edited" in history
    assert "last name Lovelace → King" in history


@pytest.mark.parametrize(
    ("fields", "label", "sentence"),
    [
        ({"status": "active"}, "Active", ""),
        ({"status": "invited"}, "Invited", "Invited No password chosen yet."),
        ({"status": "suspended", "status_reason": "Spam <b>"}, "Suspended", "Suspended Spam <b>"),
        ({"status": "deleted", "deleted_at": timezone.now()}, "Deleted", "Deleted on"),
        ({"valid_until": timezone.now() - timedelta(days=1)}, "Expired", "Expired on"),
        (
            {"status": "suspended", "suspended_until": timezone.now() - timedelta(minutes=1)},
            "Active",
            "",
        ),
    ],
)
def test_the_state_is_what_holds_at_this_moment(client, fields, label, sentence):
    client.force_login(make_user("Viewer"))
    response = client.get(f"/users/{make_user(**fields).pk}/")
    page = read(response)
    assert page.one("div", class_="headline").one("span", class_="state").text == label
    assert [note.text[: len(sentence)] for note in page.all("p", class_="note")] == (
        [sentence] if sentence else []
    )


DESK = [
    "Send password reset",
    "Require password change",
    "Send verification email",
    "Verify address",
    "End all sessions",
]
LEAD = ["Delete", "Set end date", "Add roles"]


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("Viewer", set()),
        ("Auditor", set()),
        ("Support", {"Edit", "Suspend", *DESK}),
        ("Manager", {"Edit", "Suspend", *DESK, *LEAD}),
        ("Administrator", {"Edit", "Suspend", "Change roles", *DESK, *LEAD, "Erase permanently"}),
    ],
)
def test_only_what_the_viewer_may_do_is_offered(client, role, expected):
    client.force_login(make_user(role))
    assert buttons(client.get(f"/users/{make_user(password=PASSWORD).pk}/")) == expected


def test_a_support_agent_is_offered_nothing_on_an_account_above_their_own(client):
    client.force_login(make_user("Support"))
    assert buttons(client.get(f"/users/{make_superuser().pk}/")) == set()
    assert buttons(client.get(f"/users/{make_user('Viewer').pk}/")) == set()


def test_what_is_offered_follows_from_the_state(client):
    client.force_login(make_superuser())
    always = {
        "Edit",
        "Change roles",
        "Add roles",
        "Set end date",
        "Delete",
        "Erase permanently",
    }
    address = {"Send verification email", "Verify address"}
    states = {
        "active": ({}, {"Suspend", "Send password reset", "End all sessions", *address}),
        "invited": ({}, {"Suspend", "Invite again", "Verify address"}),
        "suspended": ({}, {"Reinstate", "Verify address"}),
    }
    for status, (fields, more) in states.items():
        assert (
            buttons(client.get(f"/users/{make_user(status=status, **fields).pk}/")) == always | more
        )
    gone = make_user(status="deleted", deleted_at=timezone.now())
    assert buttons(client.get(f"/users/{gone.pk}/")) == {"Restore", "Erase permanently"}


def test_what_is_offered_follows_from_what_there_is(client):
    client.force_login(make_superuser())
    bare = buttons(
        client.get(
            f"/users/{make_user(email='', must_change_password=True, password=PASSWORD).pk}/"
        )
    )
    assert not {
        label
        for label in bare
        if "mail" in label or "address" in label or "password" in label or "factor" in label
    }
    end = timezone.now() + timedelta(days=1)
    full = make_user(
        valid_until=end, has_second_factor=True, email_verified_at=timezone.now(), password=PASSWORD
    )
    offered = buttons(client.get(f"/users/{full.pk}/"))
    assert {
        "Change end date",
        "Clear end date",
        "Reset second factor",
        "Require password change",
    } <= offered
    assert not {"Set end date", "Verify address", "Send verification email"} & offered


@pytest.mark.parametrize(
    ("fields", "first"),
    [
        ({}, []),
        ({"status": "invited"}, ["Invite again"]),
        ({"status": "suspended"}, ["Reinstate"]),
        ({"valid_until": timezone.now() - timedelta(days=1)}, ["Change end date"]),
        ({"status": "deleted", "deleted_at": timezone.now()}, ["Restore"]),
        ({"status": "erased", "deleted_at": timezone.now()}, []),
    ],
)
def test_what_lets_the_person_in_again_stands_out(client, fields, first):
    client.force_login(make_superuser())
    page = read(client.get(f"/users/{make_user(**fields).pk}/"))
    actions = page.one("div", class_="actions")
    assert [link.text for link in actions.all("a", class_="primary")] == first
    labels = [link.text for link in actions.all("a")]
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize("days", [1, -1])
def test_an_end_is_in_sight_before_it_comes_and_after(client, days):
    client.force_login(make_user("Viewer"))
    end = timezone.now() + timedelta(days=days)
    note = read(client.get(f"/users/{make_user(valid_until=end).pk}/")).one("p", class_="note").text
    assert note.startswith(f"{'Expires' if days > 0 else 'Expired'} on {end.day} {end:%b %Y}")


def test_what_is_hard_to_take_back_stands_apart_in_the_menu(client):
    client.force_login(make_superuser())
    menu = read(client.get(f"/users/{make_user().pk}/")).one("details", class_="menu")
    assert menu.one("summary").text == "More"
    assert [link.text for link in menu.all("section")[-1].all("a")] == [
        "Delete",
        "Erase permanently",
    ]


def test_nobody_is_offered_to_suspend_themselves(client):
    me = make_superuser()
    client.force_login(me)
    assert buttons(client.get(f"/users/{me.pk}/")) == {"Edit", "End all sessions"}


def test_a_long_history_leads_to_the_trail_for_those_who_may_read_it(client):
    ada = make_user()
    for _ in range(21):
        record_event("account.edited", actor=None, target=ada)
    for role, links in (("Manager", 1), ("Support", 0)):
        client.force_login(make_user(role))
        page = read(client.get(f"/users/{ada.pk}/"))
        assert len(page.one("ol", class_="events").all("li")) == 20
        assert len(page.all("a", href=f"/audit/?target={ada.pk}")) == links


def test_twenty_events_cost_as_many_queries_as_none(client):
    client.force_login(make_user("Manager"))
    ada = make_user("Viewer")
    grace = make_user("Viewer")
    grace.groups.add(Group.objects.get(name="Auditor"))
    for _ in range(20):
        record_event(
            "account.edited",
            actor=grace,
            target=grace,
            before={"phone": ""},
            after={"phone": "+1555"},
        )
    client.get("/users/")
    with CaptureQueriesContext(connection) as without:
        client.get(f"/users/{ada.pk}/")
    with CaptureQueriesContext(connection) as with_events:
        assert client.get(f"/users/{grace.pk}/").content.count(b"<li>") == 20
    assert len(without) == len(with_events), "\n".join(query["sql"] for query in with_events)


def test_staff_without_a_role_learn_nothing_about_ids(client):
    clerk = make_user(is_staff=True)
    ada = make_user()
    client.force_login(clerk)
    for pk in (ada.pk, 10**9):
        assert_denied(client.get(f"/users/{pk}/"), "users.view_user", actor=clerk, action="view")


def test_somebody_who_is_not_staff_is_refused_even_their_own_page(client):
    ada = make_user()
    client.force_login(ada)
    response = client.get(f"/users/{ada.pk}/")
    assert_denied(response, "", actor=ada, action="enter")
    assert "Only active staff" in read(response).one("main").text


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, f"/users/{make_user().pk}/")


def test_an_unknown_id_is_not_found(client):
    client.force_login(make_user("Viewer"))
    assert_not_found(client, "/users/{}/", methods=("get",))


def test_the_page_is_only_read(client):
    client.force_login(make_superuser())
    assert_wrong_method(client, f"/users/{make_user().pk}/", allowed="GET, HEAD")


def test_refused_attempts_are_folded_for_those_who_may_read_the_trail(client):
    """They stay in the trail, and do not bury what happened to the account."""
    ada = make_user()
    edit_profile(ada, by=make_superuser(), version=1, first_name="Ada")
    agent = make_user("Support")
    client.force_login(agent)
    for verb in ["erasure", "roles"] * 11:
        assert client.get(f"/users/{ada.pk}/{verb}/").status_code == 403
    for role, told in (("Support", False), ("Auditor", True)):
        client.force_login(make_user(role))
        profile = read(client.get(f"/users/{ada.pk}/")).one("main")
        [event] = profile.one("ol", class_="events").all("li")
        assert "Edited" in event.text
        link = profile.all("a", href=f"/audit/?action=denied&target={ada.pk}")
        assert [each.text for each in link] == ["22 recent refused attempts"] * told
        assert ("refused" in profile.text.casefold()) == told
        for path in ("activity/", "activity/?kind=changes"):
            activity = read(client.get(f"/users/{ada.pk}/{path}")).one("main").text
            assert "Edited" in activity
            assert "Refused" not in activity
    trail = read(client.get(f"/audit/?action=denied&target={ada.pk}")).one("main").text
    assert trail.count("Refused: ") == 22
