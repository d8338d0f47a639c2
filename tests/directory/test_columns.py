"""GET and POST /users/columns/, POST /users/columns/default/, and what the list then shows"""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method, errors_of
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.directory.columns import COLUMNS, DEFAULT_COLUMNS
from users.models import User

pytestmark = pytest.mark.django_db
PATH = "/users/columns/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def viewer(client):
    viewer = make_user("Support")
    client.force_login(viewer)
    return viewer


def choose(client, *names: str, **moved: str):
    return client.post(PATH, {"columns": names} | moved)


def shown(client, url: str = "/users/") -> list[str]:
    return [head.text for head in read(client.get(url)).one("table").all("th")]


def preferences(account) -> object:
    return User.objects.values_list("preferences", flat=True).get(pk=account.pk)


def test_without_a_choice_the_list_shows_the_default_columns(client, viewer):
    assert shown(client) == ["Name", "Username", "Email", "Status", "Joined", "Last seen"]
    sent = form(client.get(PATH), PATH)
    assert sent["columns"] == list(DEFAULT_COLUMNS)


def test_a_viewer_chooses_and_orders_columns(client, viewer):
    response = choose(client, "phone", "email", "mfa")
    assert (response.status_code, response["Location"]) == (302, "/users/")
    assert shown(client) == ["Name", "Phone", "Email", "Second factor"]
    assert form(client.get(PATH), PATH)["columns"] == ["phone", "email", "mfa"]


def test_a_choice_is_of_one_person_and_leaves_version_and_trail_alone(client, viewer):
    choose(client, "phone")
    viewer.refresh_from_db()
    assert viewer.version == 1
    assert not AuditEvent.objects.exists()
    client.force_login(make_user("Support"))
    assert shown(client) == ["Name", "Username", "Email", "Status", "Joined", "Last seen"]


@pytest.mark.parametrize(
    ("moved", "order"),
    [
        ({"up": "email"}, ["email", "phone", "mfa"]),
        ({"down": "email"}, ["phone", "mfa", "email"]),
        ({"up": "phone"}, ["phone", "email", "mfa"]),
        ({"down": "mfa"}, ["phone", "email", "mfa"]),
        ({"up": "seen"}, ["phone", "email", "mfa"]),
    ],
)
def test_a_button_moves_a_column_by_one_place_without_scripts(client, viewer, moved, order):
    response = choose(client, "phone", "email", "mfa", **moved)
    assert response["Location"] == PATH
    page = client.get(PATH)
    assert form(page, PATH)["columns"] == order
    buttons = read(page).all("button", name="down")
    assert [button.attributes["value"] for button in buttons] == order


def test_the_name_alone_is_a_choice_too(client, viewer):
    choose(client)
    assert shown(client) == ["Name"]


def test_each_column_shows_what_the_account_has(client, viewer):
    make_user(
        username="ada",
        first_name="Ada",
        last_name="Lovelace",
        email="ada@example.org",
        phone="+44123",
        source="hr",
        source_id="hr-17",
        has_second_factor=True,
        must_change_password=True,
        email_verified_at="2026-01-01T00:00Z",
    )
    choose(client, *COLUMNS)
    (row,) = [
        row
        for row in read(client.get("/users/?q=ada")).one("tbody").all("tr")
        if "Lovelace" in row.text
    ]
    heads = shown(client)
    cells = dict(zip(heads, [cell.text for cell in row.all("td")], strict=True))
    assert {
        name: cells[name] for name in ("Phone", "Domain", "Source", "Source ID", "Username")
    } == {
        "Phone": "+44 123",
        "Domain": "example.org",
        "Source": "hr",
        "Source ID": "hr-17",
        "Username": "ada",
    }
    assert (cells["Verified"], cells["Second factor"], cells["Must change password"]) == (
        "Yes",
        "Yes",
        "Yes",
    )
    assert cells["ID"] == str(User.objects.get(username="ada").pk)


def test_hostile_values_are_text_in_every_column(client, viewer):
    nasty = "<img src=x onerror=alert(1)>"
    User.objects.filter(pk=make_user().pk).update(
        first_name=nasty,
        phone=nasty,
        source=nasty,
        source_id=nasty,
        email_domain=nasty,
        username=nasty,
        email=nasty,
    )
    choose(client, *COLUMNS)
    page = read(client.get("/users/"))
    assert not page.all("img", src="x")
    assert sum(nasty in cell.text for cell in page.one("tbody").all("td")) >= 7


def test_with_htmx_the_form_comes_back_in_its_new_order(client, viewer):
    response = client.post(
        PATH,
        {"columns": ["email", "phone"], "up": "phone"},
        headers=HTMX,
    )
    assert response.status_code == 200
    assert not read(response).all("html")
    assert form(response, PATH)["columns"] == ["phone", "email"]
    assert read(response).one("output").text == "Saved."
    assert read(client.get(PATH)).one("output").text == ""


def test_reset_brings_the_default_columns_back(client, viewer):
    choose(client, "phone")
    response = client.post(PATH + "default/")
    assert (response.status_code, response["Location"]) == (302, PATH)
    assert shown(client) == ["Name", "Username", "Email", "Status", "Joined", "Last seen"]
    assert preferences(viewer) is None


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"columns": ["password"]}, "There is no column “password”."),
        ({"columns": ["email", "<b>"]}, "There is no column “<b>”."),
        ({"columns": ["email"], "up": "password"}, "password is not one of the available"),
        ({"columns": ["email"], "down": "<b>"}, "<b> is not one of the available"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(client, viewer, sent, says):
    for headers in ({}, HTMX):
        response = client.post(PATH, sent, headers=headers)
        assert response.status_code == 422
        assert any(says in error for error in errors_of(response)), errors_of(response)
    assert preferences(viewer) is None


@pytest.mark.parametrize(
    "stored",
    [
        [],
        "x",
        7,
        {"columns": "email"},
        {"columns": ["gone", 7, None, "email", "email"]},
        {"size": 10**9, "columns": {}},
    ],
)
def test_preferences_of_another_time_do_no_harm(client, viewer, stored):
    User.objects.filter(pk=viewer.pk).update(preferences=stored)
    assert shown(client)[0] == "Name"
    assert client.get(PATH).status_code == 200


@pytest.mark.parametrize("path", [PATH, PATH + "default/", "/users/size/"])
def test_whoever_may_not_see_accounts_has_no_columns(client, path):
    staff = make_user(is_staff=True)
    client.force_login(staff)
    assert_denied(client.post(path), "users.view_user", actor=staff, action="view")


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, PATH)
    for path in (PATH + "default/", "/users/size/"):
        assert_sent_to_sign_in(client, path, methods=("post",))


def test_other_methods_are_refused(client, viewer):
    assert_wrong_method(client, PATH, allowed="GET, HEAD, POST")
    assert_wrong_method(client, PATH + "default/", allowed="POST")
    assert_wrong_method(client, "/users/size/", allowed="POST")


# --- page size ------------------------------------------------------------------------------------


def rows(client, url: str) -> int:
    return len(read(client.get(url)).one("tbody").all("tr"))


def test_the_page_size_that_was_picked_is_remembered(client, viewer):
    for _ in range(30):
        make_user()
    assert rows(client, "/users/") == 31
    response = client.post(
        "/users/size/", {"size": "25"}, query_params={"sort": "name", "status": "active"}
    )
    assert response["Location"] == "/users/?status=active&sort=name"
    assert rows(client, response["Location"]) == 25
    assert rows(client, "/users/") == 25


def test_an_address_that_names_a_size_wins_and_its_links_keep_it(client, viewer):
    for _ in range(60):
        make_user()
    client.post("/users/size/", {"size": "25"})
    page = read(client.get("/users/?size=50"))
    assert len(page.one("tbody").all("tr")) == 50
    assert "size=50" in page.one("a", data_page="next").attributes["href"]
    assert "size" not in read(client.get("/users/")).one("a", data_page="next").attributes["href"]
    assert rows(client, "/users/") == 25


def test_a_size_in_an_address_is_not_remembered(client, viewer):
    client.get("/users/?size=100")
    assert preferences(viewer) is None


@pytest.mark.parametrize(
    ("sent", "query", "names"),
    [
        ({}, "", "size"),
        ({"size": "1000000000"}, "", "size"),
        ({"size": "²5"}, "", "size"),
        ({"size": "25"}, "sort=password", "sort"),
        ({"size": "25"}, "groups__permissions=1", "groups__permissions"),
        ({"size": "25"}, "q=%00", "q"),
    ],
)
def test_a_bad_size_or_query_is_named(client, viewer, sent, query, names):
    response = client.post(f"/users/size/?{query}", sent)
    assert response.status_code == 400
    assert read(response).one("code").text == names
    assert preferences(viewer) is None


# --- cost -----------------------------------------------------------------------------------------

ROLES = ["Viewer", "Support", "Manager", "Auditor", "Administrator", "superuser"]


@pytest.mark.parametrize("role", ROLES)
def test_the_list_takes_the_same_few_queries_with_any_columns_at_any_size(client, role):
    viewer = make_superuser() if role == "superuser" else make_user(role)
    client.force_login(viewer)
    choose(client, *COLUMNS)
    client.get("/users/")  # reads the years, which a process remembers for a while
    make_user()
    counted = []
    for _ in range(2):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get("/users/")
        counted.append(len(queries))
        for _ in range(50):
            make_user(source="hr")
    assert counted[0] == counted[1] <= 4
