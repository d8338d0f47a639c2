"""Error pages: each says what is wrong and how to go on, as a page and as a part of one."""

import logging

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.test import Client

from tests.api.calls import problem
from tests.builders import make_user
from tests.pages import Element, form, read
from users.audit.models import AuditEvent

ROOT = settings.BASE_DIR / "templates"
HTMX = {"HX-Request": "true", "HX-Target": "results"}
FORMS = [
    "/logout/",
    "/password/reset/",
    "/me/",
    "/me/password/",
    "/users/new/",
    "/users/1/edit/",
    "/users/1/roles/",
    "/users/1/invitation/",
    "/users/1/suspension/",
    "/users/1/suspension/end/",
]


@pytest.fixture
def broken(monkeypatch):
    """Makes / fail with what the test gives; the client does not raise it."""

    def make(error: Exception) -> Client:
        def fail(*args, **kwargs):
            raise error

        monkeypatch.setattr("users.signin.entry_rules.access.may_enter", fail)
        client = Client(raise_request_exception=False)
        client.force_login(make_user("Viewer"))
        return client

    return make


@pytest.mark.django_db
@pytest.mark.parametrize("signed_in", [False, True])
def test_an_address_that_is_not_there_is_not_found_by_anybody(client, signed_in):
    if signed_in:
        client.force_login(make_user("Viewer"))
    response = client.get("/nowhere/")
    assert response.status_code == 404
    page = read(response)
    assert page.one("h1").text == "Not found"
    assert len(page.all("header", class_="rail")) == signed_in
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_its_token_is_refused_with_advice(path):
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user("Administrator"))
    for headers in ({}, HTMX):
        response = client.post(path, {"version": 1}, headers=headers)
        assert response.status_code == 403
        assert "reload the page and try again" in read(response).text
    assert response["HX-Reswap"] == "none"
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (RuntimeError("the secret is 42"), 500, "Something went wrong"),
        (OperationalError("password of the database"), 503, "The database is not available"),
        (InterfaceError("connection already closed"), 503, "The database is not available"),
    ],
)
def test_what_breaks_is_told_without_its_insides(broken, caplog, error, status, says):
    caplog.set_level(logging.CRITICAL, "django.request")
    client = broken(error)
    response = client.get("/users/")
    assert response.status_code == status
    page = read(response)
    assert page.one("h1").text == says
    assert page.all("a", href="/")
    assert str(error) not in response.content.decode()
    assert response.get("Retry-After") == ("10" if status == 503 else None)
    assert response["X-Request-ID"]
    assert "default-src 'none'" in response["Content-Security-Policy"]
    part = read(client.get("/users/", headers=HTMX))
    assert not part.all("html")
    assert says in part.text


@pytest.mark.django_db
@pytest.mark.parametrize(
    "headers",
    [HTMX | {"HX-Boosted": "true"}, HTMX | {"HX-History-Restore-Request": "true"}],
    ids=["boosted", "restored"],
)
def test_whoever_needs_the_whole_page_gets_a_whole_error(client, headers):
    client.force_login(make_user("Viewer"))
    assert read(client.get("/users/?sort=x", headers=headers)).one("html")


@pytest.mark.django_db
def test_a_part_stands_where_htmx_put_the_question(client):
    client.force_login(make_user("Viewer"))
    (part,) = [
        child
        for child in read(
            client.get("/users/0/", headers=HTMX | {"HX-Target": 'x" onclick="alert(1)'})
        ).children
        if isinstance(child, Element)
    ]
    assert part.attributes.get("id", "") in ("", 'x" onclick="alert(1)')
    assert "onclick" not in part.attributes


@pytest.mark.django_db
def test_a_host_that_is_not_ours_is_a_bad_request(client, caplog):
    caplog.set_level(logging.CRITICAL, "django.security.DisallowedHost")
    response = client.get("/login/", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert "evil.example" not in response.content.decode()
    assert read(response).one("h1")


@pytest.mark.django_db
def test_programs_get_a_problem_for_a_host_that_is_not_ours(client, caplog):
    caplog.set_level(logging.CRITICAL, "django.security.DisallowedHost")
    found = problem(client.get("/api/v1/accounts", headers={"Host": "evil.example"}), 400)
    assert "host" in found["detail"]


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
def test_too_many_fields_are_a_bad_request(client, caplog, method):
    caplog.set_level(logging.CRITICAL)
    client.force_login(make_user("Viewer"))
    response = getattr(client, method)("/users/", {f"f{number}": "1" for number in range(600)})
    assert response.status_code in (400, 405)


@pytest.mark.django_db
def test_the_language_of_an_answer_is_told(client):
    response = client.get("/login/")
    assert isinstance(response, HttpResponse)
    assert read(response).one("html").attributes["lang"] == "en"


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError("gone"), RuntimeError("x")])
def test_a_form_that_meets_an_error_can_be_sent_again_as_it_was(broken, caplog, error):
    caplog.set_level(logging.CRITICAL, "django.request")
    client = broken(error)
    typed = {"reason": "“<b>”\nof Ada", "groups": ["1", "2"], "csrfmiddlewaretoken": "old"}
    own = {"Origin": "http://testserver", "Referer": "http://testserver/users/1/suspension/"}
    page = client.post("/users/1/suspension/?a=1", typed, headers=own)
    again = read(page).one("form", action="/users/1/suspension/?a=1", method="post")
    sent = [(box.attributes["name"], box.attributes["value"]) for box in again.all("input")]
    assert sent[1:] == [("reason", "“<b>”\nof Ada"), ("groups", "1"), ("groups", "2")]
    assert sent[0][0] == "csrfmiddlewaretoken"
    assert sent[0][1] != "old"
    assert again.one("button").text == "Try again"
    assert read(page).one("p", class_="remark").raw_text == "““<b>”\nof Ada”"
    for typed, headers in (({"password1": "s3cret"}, own), ({"reason": "x"}, {}), ({}, own | HTMX)):
        page = client.post("/users/1/suspension/", typed, headers=headers)
        assert not read(page).all("form")
        assert "s3cret" not in page.content.decode()


@pytest.mark.django_db
def test_what_is_sent_again_is_done(broken, caplog, monkeypatch):
    caplog.set_level(logging.CRITICAL, "django.request")
    client = broken(OperationalError("away"))
    agent = make_user("Support")
    client.force_login(agent)
    ada = make_user()
    path = f"/users/{ada.pk}/suspension/"
    typed = {"version": "1", "reason": "Told by <Ben>"}
    own = {"Origin": "http://testserver", "Referer": f"http://testserver{path}"}
    again = form(client.post(path, typed, headers=own), path)
    assert again == typed
    assert form(client.post(path, again, headers=own), path) == typed
    monkeypatch.undo()
    assert client.post(path, again, headers=own).status_code == 302
    ada.refresh_from_db()
    assert ada.status_reason == "Told by <Ben>"


def test_every_page_of_an_error_of_the_server_offers_to_send_the_form_again():
    assert "errors/_retry.html" in (ROOT / "errors/failure.html").read_text()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("roles", "says"),
    [
        (
            ["Support"],
            "Your role (Support) can’t erase accounts permanently. Ask an administrator.",
        ),
        (["Support", "Viewer"], "Your roles (Support, Viewer) can’t erase accounts permanently."),
        ([], "You have no role that can see accounts. Ask an administrator."),
    ],
)
def test_a_refusal_speaks_of_the_roles_of_whoever_reads_it(client, roles, says):
    person = make_user(is_staff=True)
    person.groups.set(Group.objects.filter(name__in=roles))
    client.force_login(person)
    address = f"/users/{make_user().pk}/erasure/"
    for headers in ({}, HTMX):
        main = read(client.get(address, headers=headers))
        assert says in main.text
        assert "users." not in main.text.replace(main.one("code").text, "")
        assert main.one("small").one("code")


@pytest.mark.django_db
def test_a_refusal_to_touch_staff_says_so_before_it_speaks_of_roles(client):
    client.force_login(make_user("Support"))
    text = read(client.get(f"/users/{make_user('Viewer').pk}/suspension/")).one("main").text
    staff = text.index("This is a staff account.")
    assert staff < text.index("Your role (Support) can’t manage staff accounts.")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/users/?nonsense=1", "Clear filters"),
        ("/audit/?nonsense=1", "Clear filters"),
        ("/users/?after=nonsense", "Start again"),
        ("/users/doctor/?nonsense=1", "Back"),
        ("/users/{}/history/?nonsense=1", "Back"),
        ("/users/{}/activity/?kind=nonsense", "Back"),
    ],
)
def test_only_a_page_with_filters_offers_to_clear_them(client, path, label):
    manager = make_user("Manager")
    client.force_login(manager)
    page = read(client.get(path.format(manager.pk)))
    assert page.one("title").text == "This link isn’t valid · Rollcall"
    assert [link.text for link in page.one("p", class_="actions").all("a")] == [label]
