"""GET /users/former/, and the former values below the accounts of a search."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
from django.core.cache import caches
from django.utils.timezone import localtime

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method
from tests.builders import make_user
from tests.pages import read
from users.access import CommandActor
from users.directory import former_views
from users.models import User
from users.verbs.profile.verb import edit_profile
from users.web.time_html import date_text

pytestmark = pytest.mark.django_db
PATH = "/users/former/"
COMMAND = CommandActor("test")
MARCH = datetime(2026, 3, 3, 12, tzinfo=UTC)


def edit_on(at: datetime, account: User, **changes: Any) -> User:
    with patch("users.audit.record.database_now", lambda: at):
        return edit_profile(account, by=COMMAND, version=None, **changes)


@pytest.fixture
def kim(client) -> User:
    client.force_login(make_user("Manager", username="viewer"))
    kim = make_user(username="kim", first_name="Kim", last_name="Doe", email="kim@old.example")
    return edit_on(MARCH, kim, email="kim@new.example")


def section(client, q: str, path: str = "/users/"):
    """Returns the former values beside a search; None without any."""
    found = read(client.get(path, {"q": q})).all("section", class_="former")
    return found[0] if found else None


def words(element) -> str:
    return " ".join(element.text.split())


def test_a_search_without_accounts_offers_who_had_the_value(client, kim):
    found = section(client, "kim@old.example")
    line = "kim@old.example Email of Kim Doe until 3 Mar 2026"
    assert words(found.one("li")) == line
    links = [link.attributes["href"] for link in found.all("a")]
    assert links == [f"/users/{kim.pk}/", "/users/former/?q=kim%40old.example"]
    assert words(section(client, "old.exam").one("li")) == line
    assert section(client, "nobody@old.example") is None


def test_the_present_holder_of_an_address_does_not_hide_the_former_one(client, kim):
    other = make_user(username="other", email="kim@old.example")
    page = read(client.get("/users/", {"q": "kim@old.example"}))
    assert len(page.one("table").one("tbody").all("tr")) == 1
    assert "Email of Kim Doe" in words(page.one("section", class_="former"))
    assert f"/users/{other.pk}/" not in [
        link.attributes["href"] for link in page.one("section", class_="former").all("a")
    ]


@pytest.mark.parametrize("q", ["kim", "kim@new.example", "smith", "old.exam status:active", "ki"])
def test_accounts_that_match_today_and_filtered_lists_show_none(client, kim, q):
    assert section(client, q) is None


def test_a_full_page_of_accounts_reads_no_former_values(client, kim):
    for number in range(26):
        make_user(username=f"old.example{number}")
    with patch("users.directory.former_matches.equal_values") as asked:
        client.get("/users/", {"q": "old.example", "size": 25})
    asked.assert_not_called()


def test_a_cached_page_shows_a_change_at_once(client, kim, settings):
    caches["pages"].clear()
    assert section(client, "new.example") is None
    assert section(client, "new.example") is None
    edit_on(MARCH, kim, email="kim@third.example")
    assert "kim@new.example" in words(section(client, "new.example"))


def test_viewers_of_masked_data_get_none_even_after_others(client, kim):
    assert section(client, "kim@old.example")
    assert "Doe" not in str(client.get(PATH, {"q": "nobody"}).content)
    viewer = make_user("Viewer")
    client.force_login(viewer)
    assert section(client, "kim@old.example") is None
    assert section(client, "old.exam") is None
    denied = client.get(PATH, {"q": "kim@old.example"})
    assert_denied(denied, "users.view_personal", actor=viewer, action="view_personal")


def table_rows(page, heading: str) -> list[list[str]]:
    tables = page.one("section", aria_labelledby=heading).one("tbody")
    return [[words(cell) for cell in row.all("td")] for row in tables.all("tr")]


def test_the_page_lists_holders_with_their_times_and_events(client, kim):
    make_user(username="other", email="kim@old.example")
    page = read(client.get(PATH, {"q": "kim@old.example"}))
    assert "other" in words(page.one("section", aria_labelledby="now"))
    [row] = table_rows(page, "equal")
    assert row[1:3] == ["kim@old.example", "Email"]
    assert row[3].startswith("since joining, ")
    assert row[4] == f"until {date_text(MARCH)}, 12:00".replace(f" {localtime().year},", ",")
    [link] = page.one("section", aria_labelledby="equal").one("tbody").all("a")[1:]
    event = kim.pk and link.attributes["href"]
    assert event.startswith("/audit/")
    [row] = table_rows(read(client.get(PATH, {"q": "old.exam"})), "containing")
    assert row[1] == "kim@old.example"
    client.force_login(make_user("Support"))
    page = read(client.get(PATH, {"q": "kim@old.example"}))
    assert [len(row) for row in table_rows(page, "equal")] == [5]


def test_all_holders_of_a_name_are_paged(client, kim, monkeypatch):
    monkeypatch.setattr(former_views, "SIZE", 3)
    accounts = [make_user(last_name="Doe", first_name=f"N{number}") for number in range(7)]
    for account in accounts:
        edit_on(MARCH, account, last_name="Roe")
    seen = []
    url = f"{PATH}?q=doe"
    while url:
        page = read(client.get(url))
        seen += [row[0].split(" ")[0] for row in table_rows(page, "equal")]
        following = page.all("a", rel="next")
        url = following[0].attributes["href"] if following else ""
    assert seen == [f"N{number}" for number in reversed(range(7))]


def test_both_values_that_one_event_replaces_stand_on_one_page(client, kim, monkeypatch):
    monkeypatch.setattr(former_views, "SIZE", 1)
    same = make_user(first_name="Ray", last_name="Ray")
    edit_on(MARCH, same, first_name="Roy", last_name="Roy")
    rows = table_rows(read(client.get(PATH, {"q": "ray"})), "equal")
    assert [row[2] for row in rows] == ["First name", "Last name"]


@pytest.mark.parametrize(
    "q", ["<script>alert(1)</script>", '"', "%", "_", "\\", "'", "x" * 200, "a\u0301", "kim:"]
)
def test_hostile_text_is_text(client, kim, q):
    response = client.get(PATH, {"q": q})
    assert response.status_code == 200
    assert b"<script>alert" not in response.content
    assert client.get("/users/", {"q": q}).status_code == 200


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("q=a%00b", "q"),
        ("q=" + "x" * 201, "q"),
        ("q=a&q=b", "q"),
        ("p=a", "p"),
        ("after=x", "after"),
    ],
)
def test_a_parameter_that_means_nothing_is_named(client, kim, query, parameter):
    response = client.get(f"{PATH}?{query}")
    assert response.status_code == 400
    assert read(response).one("p", class_="status").one("code").text == parameter


def test_without_a_value_there_is_a_form(client, kim):
    assert read(client.get(PATH)).one("form", action=PATH).attributes["method"] == "get"


def test_strangers_and_staff_without_a_role_learn_nothing(client):
    assert_sent_to_sign_in(client, f"{PATH}?q=ada")
    clerk = make_user(is_staff=True)
    client.force_login(clerk)
    assert_denied(client.get(PATH), "users.view_user", actor=clerk, action="view")


def test_the_page_is_only_read(client, kim):
    assert_wrong_method(client, PATH, allowed="GET, HEAD")
