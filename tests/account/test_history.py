"""GET /users/<id>/history/"""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
)
from tests.builders import make_superuser, make_user
from tests.pages import read
from tests.plans import assert_no_sort, plans
from users.audit.models import AuditEvent
from users.history.past_state import MAX_EVENTS, newest_account_events
from users.models import User
from users.verbs.profile.verb import edit_profile
from users.verbs.reinstatement.verb import reinstate_account
from users.verbs.roles.verb import assign_roles
from users.verbs.suspension.verb import suspend_account

pytestmark = pytest.mark.django_db
JOINED = datetime(2026, 1, 1, tzinfo=UTC)


def on(day: int, do) -> None:
    """Done on a day of February 2026, at noon."""
    moment = datetime(2026, 2, day, 12, tzinfo=UTC)
    with patch("users.audit.record.database_now", lambda: moment):
        do()


@pytest.fixture
def ada(client):
    root = make_superuser(username="root")
    ada = make_user(username="ada", first_name="Ada", phone="1", date_joined=JOINED)
    client.force_login(root)

    def now() -> User:
        return User.objects.get(pk=ada.pk)

    on(2, lambda: edit_profile(now(), by=root, version=None, phone="22222"))
    on(4, lambda: suspend_account(now(), by=root, reason="Spam"))
    on(6, lambda: reinstate_account(now(), by=root))
    on(6, lambda: edit_profile(now(), by=root, version=None, phone="33333", first_name="Augusta"))
    viewers = Group.objects.filter(name="Viewer")
    on(
        8,
        lambda: assign_roles(now(), by=root, groups=viewers, is_staff=True, is_superuser=False),
    )
    return now()


def rows(client, account, at: str) -> dict[str, tuple[str, str]]:
    """By field: what it was then, with who made it so, and what it is now."""
    page = read(client.get(f"/users/{account.pk}/history/?at={at}"))
    found = {}
    for row in (row for body in page.all("tbody")[:1] for row in body.all("tr")):
        then, now = (cell.text for cell in row.all("td"))
        found[row.one("th").text] = (then, now)
    return found


@pytest.mark.parametrize(
    ("at", "phone", "state", "name", "roles"),
    [
        ("2026-02-01", "1", "active", "Ada", "–"),
        ("2026-02-02T11:59", "1", "active", "Ada", "–"),
        ("2026-02-02T12:00", "22222", "active", "Ada", "–"),
        ("2026-02-03", "22222", "active", "Ada", "–"),
        ("2026-02-05", "22222", "suspended", "Ada", "–"),
        ("2026-02-06", "33333", "invited", "Augusta", "–"),
        ("2026-02-08", "33333", "invited", "Augusta", "Viewer"),
    ],
)
def test_each_field_is_as_it_was(client, ada, at, phone, state, name, roles):
    found = rows(client, ada, at)
    values = [
        found[label][0].split(" set by")[0] for label in ("Phone", "Status", "First name", "Roles")
    ]
    assert values == [phone, state, name, roles]


def test_it_says_who_made_it_so_and_what_it_is_now(client, ada):
    found = rows(client, ada, "2026-02-03")
    assert found["Phone"] == ("22222 set by root, 2 Feb, 12:00", "33333 Restore")
    assert found["First name"] == ("Ada", "Augusta Restore")
    assert found["Username"] == ("ada", "unchanged")
    assert found["Roles"][1] == "Viewer"  # roles go back by the page for roles


def test_without_a_date_it_is_today(client, ada):
    found = rows(client, ada, timezone.now().strftime("%Y-%m-%d"))
    assert {now for _, now in found.values()} == {"unchanged"}
    assert client.get(f"/users/{ada.pk}/history/").status_code == 200


@pytest.mark.parametrize("action", ["account.imported", "account.provisioned"])
def test_what_no_event_tells_is_not_made_up(client, action):
    client.force_login(make_user("Auditor"))
    ada = make_user(phone="1", date_joined=JOINED)
    AuditEvent.objects.create(
        at=datetime(2026, 2, 2, tzinfo=UTC),
        target_id=ada.pk,
        action=action,
        actor_text="command",
        after={"phone": "1"},
    )
    assert rows(client, ada, "2026-02-01")["Phone"][0] == "not recorded"
    assert rows(client, ada, "2026-02-03")["Phone"][0].startswith("1 set by command")
    assert (
        "audit trail since 2 Feb 2026"
        in read(client.get(f"/users/{ada.pk}/history/")).one("main").text
    )


@pytest.mark.parametrize(
    ("fields", "at", "says"),
    [
        ({"date_joined": JOINED}, "2025-12-31", "did not exist yet"),
        (
            {"date_joined": JOINED, "status": "erased", "deleted_at": timezone.now()},
            "2026-02-01",
            "This account is erased.",
        ),
    ],
)
def test_where_there_is_nothing_to_tell_it_says_why(client, fields, at, says):
    client.force_login(make_user("Auditor"))
    ada = make_user(**fields)
    assert says in read(client.get(f"/users/{ada.pk}/history/?at={at}")).one("main").text
    assert rows(client, ada, at) == {}


def test_further_back_than_it_looks_it_tells_nothing(client):
    client.force_login(make_user("Auditor"))
    ada = make_user(date_joined=JOINED)
    at = datetime(2026, 2, 2, tzinfo=UTC)
    AuditEvent.objects.bulk_create(
        AuditEvent(
            at=at + timedelta(minutes=number),
            target_id=ada.pk,
            action="account.edited",
            actor_text="x",
        )
        for number in range(MAX_EVENTS + 1)
    )
    assert (
        "changed more than 1,000 times"
        in read(client.get(f"/users/{ada.pk}/history/?at=2026-02-01")).one("main").text
    )
    assert rows(client, ada, "2026-02-03")["Username"][0] == ada.username


def test_an_account_with_most_of_the_events_is_not_looked_for_among_all(client):
    ada = make_user()
    grace = make_user()
    for target in (ada, grace):  # the older half of all
        AuditEvent.objects.bulk_create(
            AuditEvent(target_id=target.pk, action="account.edited", actor_text="x")
            for _ in range(3 * MAX_EVENTS)
        )
    AuditEvent.objects.create(target_id=ada.pk, action="denied", actor_text="x")
    assert {event.action for event in newest_account_events(ada)} == {"account.edited"}
    [plan] = plans(lambda: newest_account_events(ada))
    assert "audit_history_by_target" in plan
    assert_no_sort(plan)


@pytest.mark.parametrize(
    "at",
    [
        "soon",
        "2026-02-30",
        "2026-02",
        "20260201",
        "",
        "2999-01-01",
        "0000-01-01",
        "2026-02-01T25:00",
    ],
)
def test_a_date_that_is_none_or_is_to_come_is_named(client, ada, at):
    response = client.get(f"/users/{ada.pk}/history/?at={at}")
    assert response.status_code == 422
    page = read(response)
    assert page.one("p", id="at-error").text.startswith(f"{at}:")
    assert page.one("input", id="at").attributes["value"] == at


@pytest.mark.parametrize("query", ["when=2026-02-01", "at=2026-02-01&at=2026-02-02"])
def test_a_parameter_that_means_nothing_is_named(client, ada, query):
    response = client.get(f"/users/{ada.pk}/history/?{query}")
    assert response.status_code == 400
    assert query.split("=")[0] in read(response).one("main").text


def test_its_place_is_within_the_activity(client, ada):
    tabs = read(client.get(f"/users/{ada.pk}/history/")).one("nav", class_="tabs").all("a")
    current = {
        tab.text: tab.attributes["aria-current"] for tab in tabs if "aria-current" in tab.attributes
    }
    assert current == {"Activity": "true"}


def test_nothing_can_be_put_back_by_those_who_may_not_edit(client, ada):
    client.force_login(make_user("Auditor"))
    assert rows(client, ada, "2026-02-03")["Phone"] == ("22222 set by root, 2 Feb, 12:00", "33333")


def test_whoever_may_not_see_accounts_sees_no_history(client, ada):
    clerk = make_user(is_staff=True)
    client.force_login(clerk)
    assert_denied(
        client.get(f"/users/{ada.pk}/history/"), "users.view_user", actor=clerk, action="view"
    )


def test_the_ladder(client, ada):
    assert_not_found(client, "/users/{}/history/", methods=("get",))
    assert_wrong_method(client, f"/users/{ada.pk}/history/", allowed="GET, HEAD")


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, f"/users/{make_user().pk}/history/", methods=("get",))


def test_former_values_stand_below_with_their_times(client, ada):
    found = read(client.get(f"/users/{ada.pk}/history/")).one("section", aria_labelledby="former")
    rows = [" ".join(row.text.split()) for row in found.one("tbody").all("tr")]
    assert rows == [
        "First name Ada until 6 Feb 2026, 12:00 UTC",
        "Phone 22222 2 Feb 2026, 12:00 UTC to 6 Feb 2026, 12:00 UTC",
        "Phone 1 until 2 Feb 2026, 12:00 UTC",
    ]
    client.force_login(make_user("Viewer"))
    page = read(client.get(f"/users/{ada.pk}/history/"))
    assert not page.all("section", aria_labelledby="former")
