"""GET /users/ by HTMX: the results alone, and the clean address."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.builders import make_user
from tests.directory.listing import HTMX, get, make_many, step, usernames
from tests.pages import Element, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(client):
    """Signed in, and older than everybody whom a test makes."""
    viewer = make_user(
        "Support", username="viewer", date_joined=timezone.now() - timedelta(days=9999)
    )
    client.force_login(viewer)
    return viewer


def test_htmx_gets_just_the_results_and_the_clean_address(client, viewer):
    make_many(3)
    response = get(client, "?q=name&status=&role=&sort=-joined&size=50", **HTMX)
    assert response.status_code == 200
    assert response["HX-Push-Url"] == "/users/?q=name"
    page = read(response)
    assert [
        child.attributes.get("id", child.tag)
        for child in page.children
        if isinstance(child, Element)
    ] == ["title", "results"]
    assert not page.all("html") + page.all("h1")
    assert usernames(response) == ["name002", "name001", "name000"]
    assert usernames(get(client, "?q=name")) == usernames(response)
    assert "HX-Push-Url" not in get(client, "?q=name")


def test_the_clean_address_keeps_the_position_in_the_list(client, viewer):
    make_many(30)
    link = step(get(client, "?size=25"), "next")
    assert client.get(link, headers=HTMX)["HX-Push-Url"] == link


@pytest.mark.parametrize(
    "headers",
    [{"HX-Boosted": "true"}, {"HX-History-Restore-Request": "true"}],
    ids=["boosted", "restored"],
)
def test_whoever_needs_the_whole_page_gets_it(client, viewer, headers):
    assert read(get(client, **{"HX-Request": "true"}, **headers)).one("h1").text == "Directory"


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "partial"])
def test_the_answer_varies_by_the_kind_of_request_and_is_kept_by_nobody(client, viewer, headers):
    response = get(client, **headers)
    assert "HX-Request" in [name.strip() for name in response["Vary"].split(",")]
    assert response["Cache-Control"] == "no-store"
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    assert response["X-Request-ID"]


def test_an_error_in_the_table_leaves_a_place_for_the_next_answer(client, viewer):
    """HTMX puts the error where the table was; the next search must find a target."""
    page = read(get(client, "?sort=x", **HTMX))
    assert [
        child.attributes.get("id") for child in page.children if isinstance(child, Element)
    ] == ["results"]
