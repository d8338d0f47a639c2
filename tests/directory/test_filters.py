"""GET /users/filters/."""

import pytest

from tests.builders import make_user
from tests.pages import read
from users.directory.filters import FILTERS

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(client):
    client.force_login(make_user("Viewer"))
    return client


def test_the_page_offers_every_filter_and_shows_those_in_force(viewer):
    page = viewer.get("/users/filters/?status=suspended&domain=example.com&q=ann").content.decode()
    for name, spec in FILTERS.items():
        assert (f'name="{name}"' in page) != spec.personal
    assert '<option value="suspended" selected>' in page
    assert 'value="example.com"' in page
    assert '<input type="hidden" name="q" value="ann">' in page


def test_the_form_brings_the_order_and_the_size_along_unless_they_are_the_viewers_own(client):
    viewer = make_user("Viewer", preferences={"size": 100})
    client.force_login(viewer)
    plain = read(client.get("/users/filters/?sort=-joined"))
    assert not plain.all("input", name="sort") + plain.all("input", name="size")
    other = read(client.get("/users/filters/?sort=name&size=50"))
    assert other.one("input", name="sort").attributes["value"] == "name"
    assert other.one("input", name="size").attributes["value"] == "50"


def test_htmx_gets_the_panel_alone(viewer):
    panel = viewer.get("/users/filters/", headers={"HX-Request": "true"}).content.decode()
    assert "<form" in panel
    assert "<html" not in panel


def test_a_staff_account_without_a_role_may_not_see_it(client):
    client.force_login(make_user(is_staff=True))
    assert client.get("/users/filters/").status_code == 403


def test_signed_out_leads_to_the_sign_in_page(client):
    assert client.get("/users/filters/")["Location"].startswith("/login/")


def test_a_bad_filter_is_named(viewer):
    answer = viewer.get("/users/filters/?joined_from=2026-02-30")
    assert answer.status_code == 400
    assert b"joined_from" in answer.content


def test_a_wrong_method_is_refused(viewer):
    assert viewer.post("/users/filters/").status_code == 405
