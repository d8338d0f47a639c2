"""GET /users/ with a mistyped filter: form, list and other filters stay, the field is marked."""

import pytest

from tests.builders import make_user
from tests.directory.listing import HTMX, get, usernames
from tests.pages import read
from users.directory.filters import FILTERS

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of pages, and not of the database


@pytest.fixture
def viewer(client):
    viewer = make_user("Support", username="viewer", status="active")
    client.force_login(viewer)
    make_user(username="ada", status="suspended")
    return viewer


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "partial"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("joined_from", "yesterday"),
        ("joined_to", "2026-02-30"),
        ("seen_from", "-30"),
        ("seen_to", "31.03.2026"),
        ("domain", "a b"),
        ("source", "x" * 256),
        ("status", "x"),
        ("never_seen", "maybe"),
    ],
)
def test_a_mistyped_filter_is_marked_by_its_label(client, viewer, name, value, headers):
    other = "verified" if name == "status" else "status"
    others = {"status": "suspended", "verified": "no"}
    missing = "missing=&" if headers else ""
    query = f"?{other}={others[other]}&{missing}{name}={value}&size=25"
    response = get(client, query, **headers)
    assert response.status_code == 422
    page = read(response)
    assert page.one("title").text == "Error: Directory · Rollcall"
    field = page.one(id=f"filter-{name}")
    assert field.attributes["aria-invalid"] == "true"
    assert "autofocus" in field.attributes
    if field.tag == "input":
        assert field.attributes["value"] == value
    said = page.one(id=field.attributes["aria-describedby"]).text
    assert FILTERS[name].label in said or "limited to" in said
    assert "_" not in said
    panel = page.one("form", class_="filters")
    if other == "status":  # the panel of the list carries it along
        assert panel.one("input", name="status").attributes["value"] == "suspended"
    else:
        assert panel.one(id=f"filter-{other}").one("option", selected="")
    assert "ada" in usernames(response)
    assert ("viewer" in usernames(response)) == (other != "status")
    assert "HX-Push-Url" not in response
    assert panel.attributes["hx-get"] == "/users/"


def test_each_wrong_filter_is_marked_and_the_first_has_the_focus(client, viewer):
    page = read(get(client, "?domain=a+b&joined_from=x&joined_to=y"))
    wrong = [part.attributes["id"] for part in page.walk() if "aria-invalid" in part.attributes]
    assert wrong == ["filter-domain", "filter-joined_from", "filter-joined_to"]
    focused = [part.attributes["id"] for part in page.walk() if "autofocus" in part.attributes]
    assert focused == ["filter-domain"]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("status:actve", "“actve” is not a valid value for “Status”."),
        ("ada joined_from:yesterday", "“yesterday” is not a valid value for “Joined from”."),
        ("x" * 201, "limited to 200 characters"),
        ("a%00b", "a character that can’t be stored"),
        ("a%ED%A0%80", "a character that can’t be stored"),
        ("a%FF", "a character that can’t be stored"),
    ],
)
def test_a_mistyped_search_stays_in_its_box(client, viewer, typed, says):
    response = get(client, f"?q={typed}&status=suspended")
    assert response.status_code == 422
    page = read(response)
    box = page.one("input", id="q")
    assert (box.attributes["aria-invalid"], "autofocus" in box.attributes) == ("true", True)
    assert box.attributes["value"][0] == typed[0]
    assert says in page.one(id="q-error").text
    assert usernames(response) == ["ada"]
    assert not page.all("form", class_="filters")
    part = read(get(client, f"?q={typed}&status=suspended", **HTMX))
    assert says in part.one("section", id="results").one(id="q-error").text


def test_the_next_answer_takes_the_error_out_of_the_title(client, viewer):
    assert read(get(client, "?q=ada", **HTMX)).one("title").text == "Directory · Rollcall"
    assert read(get(client, "?q=ada")).one("title").text == "Directory · Rollcall"


def test_a_page_of_all_filters_works_by_itself(client, viewer):
    page = read(client.get("/users/filters/?status=suspended"))
    form = page.one("form", class_="filters")
    assert not [name for part in form.walk() for name in part.attributes if name.startswith("hx-")]
    part = read(client.get("/users/filters/?status=suspended", headers=HTMX))
    assert part.one("form", class_="filters").attributes["hx-target"] == "#results"


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("never_seen=yes&seen_from=-30d", ("Last seen from", "Never seen")),
        ("never_seen=yes&seen_to=2026-01-01", ("Last seen until", "Never seen")),
    ],
)
def test_filters_that_exclude_each_other_say_so(client, viewer, query, labels):
    text = read(get(client, f"?{query}")).one("div", class_="empty").text
    assert f"“{labels[0]}” and “{labels[1]}” exclude each other" in text


@pytest.mark.parametrize(
    "query",
    [
        "joined_from=2026-03-02&joined_to=2026-03-01",
        "q=joined_to:2026-03-01&joined_from=2026-03-02",
        "seen_from=-1d&seen_to=-30d",
    ],
)
def test_a_reversed_range_is_marked_at_its_end(client, viewer, query):
    response = get(client, f"?{query}&status=suspended")
    assert response.status_code == 422
    page = read(response)
    wrong = [part for part in page.walk() if "aria-invalid" in part.attributes]
    assert len(wrong) == 1
    said = page.one(id=wrong[0].attributes["aria-describedby"]).text
    assert "Swap the two dates." in said
    assert page.all("select", name="status")[0].one("option", selected="").text == "Suspended"


def test_a_range_of_one_day_is_no_contradiction(client, viewer):
    page = read(get(client, "?joined_from=2020-03-01&joined_to=2020-03-01"))
    assert "exclude each other" not in page.text
