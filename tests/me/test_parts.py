"""GET /me/parts/"""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.answers import assert_sent_to_sign_in, assert_wrong_method
from tests.builders import make_superuser, make_user
from tests.jobs.kinds import start
from tests.pages import read

pytestmark = pytest.mark.django_db
PATH = "/me/parts/"


def part_ids(response) -> set[str]:
    return {part.attributes["id"] for part in read(response).walk() if "id" in part.attributes}


def test_each_part_is_swapped_into_its_element_of_the_directory(client):
    root = make_superuser()
    client.force_login(root)
    start(root)
    page = read(client.get("/users/"))
    [request] = [part for part in page.walk() if part.attributes.get("hx-get", "").startswith(PATH)]
    parts = read(client.get(request.attributes["hx-get"]))
    assert {part.attributes["id"] for part in parts.walk() if "hx-swap-oob" in part.attributes} == {
        "running-jobs",
        "cache-status",
        "sudo-status",
        "views",
    }
    for name in ("running-jobs", "cache-status", "views"):
        assert page.one(id=name)
    assert parts.one(id="running-jobs").text == ", running: 1"


@pytest.mark.parametrize("make", [make_superuser, lambda: make_user("Administrator")])
def test_the_time_of_a_confirmed_identity_takes_no_query_of_its_own(client, make):
    client.force_login(make())
    assert "Identity confirmed until" in client.get(PATH).content.decode()
    with CaptureQueriesContext(connection) as captured:
        assert "sudo-status" in part_ids(client.get(PATH))
    assert not any("rolesettings" in query["sql"] for query in captured)


@pytest.mark.parametrize("path", ["/jobs/", "/audit/checkpoints/"])
def test_other_pages_have_no_saved_views(client, path):
    client.force_login(make_superuser())
    assert read(client.get(path)).one(hx_get=PATH)
    assert part_ids(client.get(PATH)) == {"running-jobs", "cache-status", "sudo-status"}


@pytest.mark.parametrize(
    ("role", "parts"),
    [("Viewer", {"views"}), ("Support", {"views", "running-jobs"}), (None, set())],
)
def test_nobody_gets_a_part_that_they_may_not_see(client, role, parts):
    client.force_login(make_user(role) if role else make_user())
    response = client.get(f"{PATH}?views=directory")
    assert response.status_code == 200
    assert part_ids(response) == parts


def test_signed_out_it_leads_to_the_sign_in_page(client):
    assert_sent_to_sign_in(client, PATH, methods=("get",), background=True)


def test_an_unknown_parameter_is_named(client):
    client.force_login(make_superuser())
    response = client.get(f"{PATH}?view=1")
    assert response.status_code == 400
    assert "unknown" in read(response).one("main").text


def test_it_only_looks(client):
    client.force_login(make_superuser())
    assert_wrong_method(client, PATH, allowed="GET, HEAD")
