"""Who asks, what they may do, and whether their session stands: one query, and one read each of
session and rights.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.builders import make_superuser, make_user
from tests.caching.looking import ask, stored, taken_back
from tests.caching.outage import cache_at
from tests.pages import read
from users.models import User

pytestmark = pytest.mark.django_db

ROLES = ["Viewer", "Support", "Manager", "Auditor", "Administrator", "superuser"]


def person(role: str) -> User:
    return make_superuser() if role == "superuser" else make_user(role)


@contextmanager
def reads() -> Iterator[Counter]:
    """How often the cache is asked, by the first word of the key."""
    counted: Counter[str] = Counter()
    cache = caches["pages"]
    get = cache.get
    get_many = cache.get_many
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            cache,
            "get",
            lambda key, *more, **named: (
                counted.update([key.split(":")[0]]) or get(key, *more, **named)
            ),
        )
        patch.setattr(
            cache, "get_many", lambda keys, *more: counted.update(["many"]) or get_many(keys, *more)
        )
        yield counted


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "part"])
@pytest.mark.parametrize("role", ROLES)
def test_a_page_from_the_cache_takes_one_query_for_the_viewer(client, role, headers):
    ada = make_user()
    client.force_login(person(role))
    for path in ("/users/", f"/users/{ada.pk}/", "/users/?q=person&size=25"):
        ask(client, path, **headers)
        with reads() as counted, CaptureQueriesContext(connection) as queries:
            assert ask(client, path, **headers).outcome == "hit"
        # A repeated opening or search needs no statement to be counted (users/meter).
        assert len(queries) == 1, [each["sql"] for each in queries]
        assert counted["session"] == 1
        assert counted["rights"] == (role != "superuser")
        assert (
            counted.total() - counted["rights"] == 3
        )  # the session, and what Django's decorator reads: headers and page


@pytest.mark.parametrize("role", [*ROLES, ""])
def test_on_every_page_the_viewer_takes_one_query_and_one_read(client, role):
    client.force_login(person(role))
    client.get("/me/")
    with reads() as counted, CaptureQueriesContext(connection) as queries:
        assert client.get("/me/").status_code == 200
    assert len([query for query in queries if "users_session" in query["sql"]]) == 1
    assert len(queries) == 1, [query["sql"] for query in queries]
    assert counted == {"session": 1} | ({} if role == "superuser" else {"rights": 1})


def test_strangers_take_no_query(client):
    for path in ("/users/", "/users/1/", "/healthz"):
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        assert not [
            query
            for query in queries
            if "users_" in query["sql"] or "users_session" in query["sql"]
        ]


def test_a_session_that_does_not_exist_is_looked_for_once_with_an_owner_and_once_expired(client):
    client.cookies["session"] = "x" * 32
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/users/").status_code == 302
    assert len(queries) == 2


def test_what_a_viewer_may_do_follows_at_the_next_request(client):
    account = make_user("Viewer")
    group = Group.objects.get(name="Viewer")
    client.force_login(account)
    assert client.get("/users/").status_code == 200
    with connection.cursor() as cursor:  # by somebody who knows nothing of caches
        cursor.execute("DELETE FROM auth_group_permissions WHERE group_id = %s", [group.pk])
    assert client.get("/users/").status_code == 403
    with connection.cursor() as cursor:
        cursor.execute("UPDATE users_user SET is_superuser = %s WHERE id = %s", [True, account.pk])
    assert client.get("/users/").status_code == 200


def test_another_browser_of_the_same_person_is_another_session(client):
    account = make_user("Viewer")
    client.force_login(account)
    other = Client()
    other.force_login(account)
    other.post("/logout/")
    assert client.get("/users/").status_code == 200
    assert other.get("/users/").status_code == 302


# --- rights, which are kept -----------------------------------------------------------------------


def may_look(client) -> bool:
    return client.get("/users/").status_code == 200


def view_user() -> Permission:
    return Permission.objects.get(codename="view_user", content_type__app_label="users")


@pytest.fixture
def clerk(client) -> User:
    """Signed in, and staff without any right."""
    clerk = make_user(is_staff=True)
    client.force_login(clerk)
    assert not may_look(client)
    return clerk


def test_rights_that_are_lost_from_the_cache_are_looked_up(client):
    client.force_login(make_user("Viewer"))
    client.get("/me/")
    assert [value for key, value in stored().items() if "rights:" in key and b"view_user" in value]
    caches["pages"].clear()
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/me/").status_code == 200
    assert len([query for query in queries if "auth_permission" in query["sql"]]) == 1
    assert may_look(client)


GIVE = {
    "a role": (
        lambda clerk: clerk.groups.add(Group.objects.get(name="Viewer")),
        lambda clerk: clerk.groups.clear(),
    ),
    "a right of their own": (
        lambda clerk: clerk.user_permissions.add(view_user()),
        lambda clerk: clerk.user_permissions.clear(),
    ),
    "being superuser": (
        lambda clerk: User.objects.filter(pk=clerk.pk).update(is_superuser=True),
        lambda clerk: User.objects.filter(pk=clerk.pk).update(is_superuser=False),
    ),
}


@pytest.mark.parametrize(("give", "take"), GIVE.values(), ids=GIVE)
def test_rights_are_given_and_taken_at_the_next_request(client, clerk, give, take):
    for _ in range(3):
        give(clerk)
        assert may_look(client)
        take(clerk)
        assert not may_look(client)


@pytest.mark.parametrize(("give", "take"), GIVE.values(), ids=GIVE)
def test_rights_that_were_taken_back_before_anybody_had_them_are_not_kept(
    client, clerk, give, take
):
    with taken_back():
        give(clerk)
        assert may_look(client)  # within the transaction, and so it is kept
    assert not may_look(client)
    with taken_back():
        give(clerk)
    User.objects.filter(pk=make_user().pk).update(phone="1")
    make_user("Viewer")
    assert not may_look(client)


def test_what_a_role_may_follows_for_all_of_its_people(client, clerk):
    team = Group.objects.create(name="Team")
    others = [make_user("Team") for _ in range(2)]
    clients = [Client() for _ in others]
    for other, own in zip(others, clients, strict=True):
        own.force_login(other)
        assert not may_look(own)
    team.permissions.add(view_user())
    assert [may_look(own) for own in [client, *clients]] == [False, True, True]
    team.permissions.clear()
    assert [may_look(own) for own in [client, *clients]] == [False, False, False]


def test_nobody_has_the_rights_of_somebody_else(client):
    for role, expected in [("Viewer", 403), ("Manager", 200), ("Viewer", 403), ("Auditor", 200)]:
        client.force_login(make_user(role))
        assert client.get("/audit/").status_code == expected


def test_without_redis_rights_are_what_they_are(client, clerk):
    with cache_at("redis://127.0.0.1:1/0"):
        assert not may_look(client)
        clerk.user_permissions.add(view_user())
        assert may_look(client)
        clerk.user_permissions.clear()
        assert not may_look(client)


def test_times_are_in_the_viewers_zone_until_the_response(client, settings):
    settings.DEFAULT_TIME_ZONE = "Asia/Tokyo"
    for zone, shown in (("Asia/Kolkata", "UTC+5:30"), ("", "UTC+9"), ("Mars/Olympus", "UTC+9")):
        viewer = make_user("Viewer", time_zone=zone)
        client.force_login(viewer)
        page = read(client.get(f"/users/{viewer.pk}/")).text
        assert f" {shown}" in page
        assert timezone.get_current_timezone_name() == "UTC"
