"""The filter by source offers the sources that there are, read from an index."""

import pytest
from django.db import connection

from tests.builders import make_user
from tests.pages import read
from tests.plans import assert_no_sort, explain, reset_planner
from users.directory import known_sources

pytestmark = pytest.mark.django_db
PATH = "/users/filters/"


@pytest.fixture
def viewer(client):
    viewer = make_user("Viewer")
    client.force_login(viewer)
    return viewer


def offered(client, url: str = PATH) -> list[str]:
    field = read(client.get(url)).one("select", name="source")
    return [option.attributes["value"] for option in field.all("option")]


def test_all_sources_are_offered_and_a_new_one_at_once(client, viewer):
    for source in ("ldap", "hr", "hr"):
        make_user(source=source)
    assert offered(client) == ["", "hr", "ldap"]
    make_user(source="crm")
    assert offered(client) == ["", "crm", "hr", "ldap"]
    assert offered(client, f"{PATH}?source=gone") == ["", "crm", "hr", "ldap", "gone"]


def test_with_too_many_sources_the_field_is_a_text(client, viewer, monkeypatch):
    monkeypatch.setattr(known_sources, "SOURCES_MAX", 2)
    for number in range(3):
        make_user(source=f"source{number}")
    assert read(client.get(PATH)).one("input", name="source")


def test_a_source_costs_one_entry_of_the_index():
    reset_planner("users_user")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # The table is too small for its indexes to be worth it.
            for name in ("seqscan", "bitmapscan", "sort"):
                cursor.execute(f"SET LOCAL enable_{name} = off")
        plan = explain(cursor, known_sources.SOURCES_SQL % known_sources.SOURCES_MAX)
    assert "user_by_source_" in plan
    assert "Seq Scan" not in plan
    assert_no_sort(plan)


def test_the_panel_of_the_list_leaves_out_what_stands_above_it(client, viewer):
    panel = read(client.get(f"{PATH}?status=active&domain=x.org", headers={"HX-Request": "true"}))
    assert not panel.all("select", name="status")
    assert panel.one("input", name="status").attributes["value"] == "active"
    assert panel.one("input", name="domain").attributes["value"] == "x.org"
    assert read(client.get(PATH)).one("select", name="status")


def test_days_are_typed_chosen_or_picked(client, viewer):
    page = read(client.get(f"{PATH}?joined_from=-30d"))
    field = page.one("input", name="joined_from")
    assert (field.attributes["value"], field.attributes["list"]) == ("-30d", "days")
    picker = page.one("input", data_day=field.attributes["id"])
    assert picker.attributes["type"] == "date"
    assert "name" not in picker.attributes
