"""/caching/, and its line in the navigation."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method
from tests.builders import make_superuser, make_user
from tests.pages import read
from users.caching import timing
from users.caching.backend import PageCache
from users.caching.models import WebProcess

pytestmark = pytest.mark.django_db

PARTS = "/me/parts/"


def test_it_shows_how_pages_were_answered_by_all_processes(client, monkeypatch):
    client.force_login(make_superuser())
    client.get("/users/")
    client.get("/users/")
    monkeypatch.setattr(timing, "REPORT_SECONDS", -1)
    timing.store_figures()
    WebProcess.objects.create(
        name="elsewhere:1",
        at=timezone.now(),
        figures={"directory": {"hit": 6, "hit total": 12_000}},
    )
    WebProcess.objects.create(
        name="gone:2", at=timezone.now() - timedelta(minutes=5), figures={"directory": {"hit": 999}}
    )
    main = read(client.get("/caching/")).one("main")
    assert "8 responses, 87.5% from the cache Details 7 hit, 1 miss" in main.text
    assert "elsewhere:1" in main.text
    assert "gone:2" not in main.text
    rows = {row.one("th").text: row.text for row in main.one("tbody").all("tr")}
    assert {"total", "viewer", "cache", "build"} <= set(rows)


def test_before_anything_was_asked_it_says_so(client):
    client.force_login(make_superuser())
    main = read(client.get("/caching/")).one("main")
    assert "No figures yet" in main.text
    assert "Accounts" in main.text


def test_a_report_that_cannot_be_written_harms_nobody(client, monkeypatch, caplog):
    client.force_login(make_superuser())
    client.get("/users/")
    monkeypatch.setattr(timing, "REPORT_SECONDS", -1)
    with connection.execute_wrapper(refuse):
        timing.store_figures()
    assert "The figures of this process were not saved: OperationalError" in caplog.text


def refuse(execute, sql, params, many, context):
    raise OperationalError("away")


def test_the_rail_tells_whether_the_cache_is_away(client, monkeypatch):
    client.force_login(make_superuser())
    assert read(client.get("/users/")).one(id="cache-status")
    assert read(client.get(PARTS)).one(id="cache-status").text == ""
    pages = PageCache("redis://127.0.0.1:1/0", {"OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 30}})
    pages.get("something")
    monkeypatch.setattr("users.caching.statistics.caches", {"pages": pages})
    assert read(client.get(PARTS)).one("a", href="/caching/").text == "Cache unavailable"
    assert (
        "Redis is not working (ConnectionError)" in read(client.get("/caching/")).one("main").text
    )


def test_only_staff_with_the_right_get_times_and_the_line_in_the_rail(client):
    client.force_login(make_user("Administrator"))
    response = client.get("/users/")
    assert response["Server-Timing"].startswith('page;desc="miss", session;dur=')
    assert client.get("/users/")["Server-Timing"].startswith('page;desc="hit"')
    client.force_login(make_user("Manager"))
    response = client.get("/users/")
    assert "Server-Timing" not in response
    assert not read(response).all(id="cache-status")
    assert not read(client.get(PARTS)).all(id="cache-status")


@pytest.mark.parametrize("role", ["Viewer", "Support", "Manager", "Auditor"])
def test_others_are_refused(client, role):
    viewer = make_user(role)
    client.force_login(viewer)
    response = client.get("/caching/")
    assert_denied(response, "users.view_caching", actor=viewer, action="view_caching")


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, "/caching/", methods=("get",))


def test_it_only_looks(client):
    client.force_login(make_superuser())
    assert_wrong_method(client, "/caching/", allowed="GET, HEAD")
