"""Sessions end by themselves: a while after the last request, and some hours after the sign-in."""

from datetime import datetime, timedelta

import pytest
from django.test import Client

from tests.builders import PASSWORD, make_user
from tests.pages import form, read
from users.database.clock import current_time
from users.models import User
from users.sessions import store
from users.sessions.limits import STARTED_KEY
from users.sessions.models import Session

pytestmark = pytest.mark.django_db
IDLE = timedelta(minutes=60)
SLACK = timedelta(minutes=1)


@pytest.fixture
def ada() -> User:
    return make_user("Support", username="ada", password=PASSWORD)


@pytest.fixture
def browser(ada, client_factory) -> Client:
    browser = client_factory(ada)
    assert browser.get("/jobs/").status_code == 200
    return browser


def ends_in() -> timedelta:
    return Session.objects.get().expire_date - current_time()


def age(hours: float) -> None:
    """Lets the session be used `hours` after its sign-in for the first time."""
    row = Session.objects.get()
    data = row.get_decoded()
    data[STARTED_KEY] -= hours * 3600
    at = current_time() - timedelta(minutes=10)
    text = store.SessionStore().encode(data)
    Session.objects.update(session_data=text, last_used_at=at, expire_date=at + IDLE)


def test_each_use_moves_the_end_but_not_beyond_the_age_limit(browser):
    assert IDLE - SLACK < ends_in() <= IDLE
    age(1)
    assert ends_in() < IDLE - SLACK
    browser.get("/jobs/")
    assert IDLE - SLACK < ends_in() <= IDLE
    age(22.5)
    browser.get("/jobs/")
    left = timedelta(minutes=30)
    assert left - SLACK < ends_in() <= left + SLACK


def test_what_an_open_page_asks_by_itself_is_no_use(browser):
    age(1)
    before = ends_in()
    assert browser.get("/jobs/running/", headers={"HX-Request": "true"}).status_code == 200
    assert browser.get("/me/parts/", headers={"HX-Request": "true"}).status_code == 200
    assert ends_in() <= before


@pytest.mark.parametrize(
    ("hours", "cause"),
    [
        (0, "because it was not used for 60 minutes."),
        (25, "because a session lasts 24 hours at most."),
    ],
)
@pytest.mark.parametrize("cached", [True, False])
def test_the_sign_in_page_says_which_limit_ended_the_session(browser, ada, hours, cause, cached):
    age(hours)
    Session.objects.update(expire_date=current_time() - timedelta(minutes=1))
    if not cached:
        store.caches["pages"].clear()
    page = browser.get("/users/?q=x", follow=True)
    note = read(page).one("p", class_="note")
    assert note.text.endswith(cause)
    shown = datetime.fromisoformat(note.one("time").attributes["datetime"])
    assert abs(shown - current_time()) < timedelta(minutes=2)
    assert store.valid_sessions(ada) == []
    row = Session.objects.get()
    assert (row.account_id, row.ip) == (None, None)
    sent = form(page, "/login/") | {"login": "ada", "password": PASSWORD}
    assert browser.post("/login/", sent)["Location"] == "/users/?q=x"


def test_a_session_of_an_earlier_release_begins_with_its_next_request(browser):
    row = Session.objects.get()
    data = row.get_decoded()
    del data[STARTED_KEY]
    later = current_time() + timedelta(days=9)
    text = store.SessionStore().encode(data)
    Session.objects.update(session_data=text, expire_date=later)
    assert browser.get("/jobs/").status_code == 200
    assert IDLE - SLACK < ends_in() <= IDLE
    assert STARTED_KEY in Session.objects.get().get_decoded()
