"""The frame of an account's page: a header and tabs, each an address of its own, as a page and as a
part.
"""

import re
from itertools import product

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
)
from tests.builders import make_superuser, make_user
from tests.pages import read
from users.account.tabs import SUBPAGES, TABS
from users.audit.record import record_event
from users.mail.models import Message
from users.verbs.erasure.verb import erase_account
from users.verbs.suspension.verb import suspend_account

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of pages, and not of the database

ROLES = ["Viewer", "Support", "Manager", "Auditor", "Administrator", "superuser"]
PATHS = [tab.path for tab in TABS]
ALL = [*PATHS, *(tab.path for tab in SUBPAGES)]
PART = {"HX-Request": "true", "HX-Target": "account"}
BUDGET = (
    8  # queries with empty caches, those about the viewer and the count of the meter among them
)
SESSION_ROW = r'SELECT "users_session"\."session_key", .* WHERE \("users_session"\."expire_date" > '


def viewer(role: str):
    return make_superuser() if role == "superuser" else make_user(role)


@pytest.fixture
def ada():
    """With something on every tab."""
    ada = make_user("Support", username="ada", first_name="Ada")
    for number in range(30):
        record_event(
            "account.edited",
            actor=ada,
            target=ada,
            before={"phone": ""},
            after={"phone": f"+1555{number}"},
        )
        Message.objects.create(account=ada, kind="invitation", to=ada.email)
    return ada


@pytest.mark.parametrize("path", PATHS)
def test_each_tab_is_a_page_that_names_itself_among_all_tabs(client, ada, path):
    client.force_login(make_user("Viewer"))
    page = read(client.get(f"/users/{ada.pk}/{path}"))
    tabs = page.one("nav", class_="tabs").all("a")
    assert [tab.attributes["href"] for tab in tabs] == [f"/users/{ada.pk}/{each}" for each in PATHS]
    assert [tab.attributes["href"] for tab in tabs if "aria-current" in tab.attributes] == [
        f"/users/{ada.pk}/{path}"
    ]
    assert page.one("h1").text == "Ada"
    assert page.one("title").text.startswith("Ada")


@pytest.mark.parametrize("path", PATHS)
def test_the_part_for_htmx_is_the_page_without_what_is_there_already(client, ada, path):
    client.force_login(make_user("Viewer"))
    whole = read(client.get(f"/users/{ada.pk}/{path}"))
    answer = client.get(f"/users/{ada.pk}/{path}", headers=PART)
    part = read(answer)
    assert part.one("title").text == whole.one("title").text
    assert part.one("div", id="account").text == whole.one("div", id="account").text
    assert part.all("html") == part.all("div", class_="frame") == []
    assert "HX-Request" in answer["Vary"] or path not in ("", "access/")


@pytest.mark.parametrize("role", ROLES)
def test_no_tab_that_is_built_anew_takes_more_than_eight_queries(client, ada, role):
    client.force_login(viewer(role))
    client.get("/users/")
    gone = erase_account(make_user(), by=make_superuser(), reason="Request 17")
    suspended = suspend_account(make_user(), by=make_superuser(), reason="Spam")
    accounts = (ada, make_superuser(), make_user(), gone, suspended)
    for path, target in product(ALL, accounts):
        caches["pages"].clear()
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/users/{target.pk}/{path}").status_code == 200
        told = [query["sql"] for query in queries if not re.match(SESSION_ROW, query["sql"])]
        assert len(told) <= BUDGET, "\n".join([path, *told])


@pytest.mark.parametrize("path", PATHS)
def test_whoever_may_not_see_accounts_learns_nothing_about_ids(client, ada, path):
    clerk = make_user(is_staff=True)
    client.force_login(clerk)
    for pk in (ada.pk, 10**9):
        assert_denied(
            client.get(f"/users/{pk}/{path}"), "users.view_user", actor=clerk, action="view"
        )


@pytest.mark.parametrize("path", PATHS)
def test_strangers_are_sent_to_sign_in(client, path):
    assert_sent_to_sign_in(client, f"/users/{make_user().pk}/{path}", methods=("get",))


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_account_has_no_tabs(client, path):
    client.force_login(make_user("Viewer"))
    assert_not_found(client, "/users/{}/" + path, methods=("get",))


@pytest.mark.parametrize("path", [path for path in PATHS if path != "notes/"])
def test_tabs_are_only_read(client, path):
    client.force_login(make_superuser())
    assert_wrong_method(client, f"/users/{make_user().pk}/{path}", allowed="GET, HEAD")


@pytest.mark.parametrize("path", PATHS)
def test_a_change_of_the_account_shows_on_every_tab_at_once(client, ada, path):
    client.force_login(make_user("Viewer"))
    other = Client()
    other.force_login(make_user("Viewer"))
    for browser in (client, other):
        assert (
            "Suspended"
            not in read(browser.get(f"/users/{ada.pk}/{path}")).one("div", class_="headline").text
        )
    suspend_account(ada, by=make_superuser(), reason="Spam")
    for browser in (client, other):
        assert (
            "Suspended"
            in read(browser.get(f"/users/{ada.pk}/{path}")).one("div", class_="headline").text
        )
