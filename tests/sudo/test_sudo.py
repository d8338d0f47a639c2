"""/sudo/: who has not proved who they are lately is asked before a sensitive action."""

import pytest
from django.test import Client

from tests.answers import assert_sent_to_sign_in, assert_wrong_method, errors_of
from tests.builders import PASSWORD, make_superuser, make_user, make_users
from tests.factors.factors import app_code, give_app
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.jobs.models import Job
from users.models import User
from users.sudo import views
from users.sudo.recent import SUDO_KEY
from users.verbs.registry import VERBS

pytestmark = pytest.mark.django_db
ORIGIN = "http://testserver"


@pytest.fixture
def root(client) -> User:
    root = make_superuser(username="root", password=PASSWORD)
    client.force_login(root)
    return root


@pytest.fixture
def ada() -> User:
    return make_user(username="ada", has_second_factor=True)


@pytest.fixture
def later(client, root) -> Client:
    """The client after the time for which its sign-in counts."""
    return wait(client)


def wait(client: Client) -> Client:
    session = client.session
    session[SUDO_KEY] = {"at": session[SUDO_KEY]["at"] - 15 * 60, "method": "sign-in"}
    session.save()
    return client


def own(path: str) -> dict[str, str]:
    return {"Origin": ORIGIN, "Referer": ORIGIN + path}


SENSITIVE = [verb.path for verb in VERBS if verb.sudo]


def test_roles_erasure_and_second_factors_ask_and_reading_does_not():
    assert set(SENSITIVE) == {
        "roles/",
        "groups/",
        "groups/end/",
        "erasure/",
        "second-factor/reset/",
    }


@pytest.mark.parametrize("path", SENSITIVE)
def test_a_sensitive_verb_asks_who_is_at_the_keyboard(client, root, ada, path):
    ada.groups.add(1)
    url = f"/users/{ada.pk}/{path}"
    assert client.get(url).status_code == 200
    wait(client)
    assert client.get(url)["Location"] == f"/sudo/?next={url.replace('/', '%2F')}"
    answer = client.get(url, headers={"HX-Request": "true", "HX-Current-URL": ORIGIN + "/jobs/"})
    assert (answer.status_code, answer["HX-Redirect"]) == (401, "/sudo/?next=%2Fjobs%2F")
    assert client.post(url, {"version": "1"})["Location"].startswith("/sudo/?next=")
    assert client.get(f"/users/{ada.pk}/suspension/").status_code == 200


def test_the_right_password_leads_back_and_counts_for_a_while(later, root, ada):
    url = f"/users/{ada.pk}/roles/"
    page = later.get(later.get(url)["Location"])
    assert read(page).one("h1").text == "Confirm it’s you"
    key = later.cookies["session"].value
    wrong = later.post("/sudo/", form(page, "/sudo/") | {"password": "no"})
    assert wrong.status_code == 422
    assert "Wrong password" in " ".join(errors_of(wrong))
    assert later.get(url).status_code == 302
    done = later.post("/sudo/", form(wrong, "/sudo/") | {"password": PASSWORD})
    assert (done.status_code, done["Location"]) == (302, url)
    assert later.cookies["session"].value != key
    assert later.get(url).status_code == 200
    event = AuditEvent.objects.get(action="account.sudo_started")
    assert (event.actor_id, event.after) == (root.pk, {"method": "password", "minutes": 15})
    assert "Identity confirmed until" in read(later.get("/me/parts/")).text
    ended = later.post("/sudo/end/", headers=own("/jobs/"))
    assert ended["Location"] == "/jobs/"
    assert later.get(url).status_code == 302
    assert "Sudo until" not in read(later.get("/me/parts/")).text


def test_what_was_typed_comes_back_and_nothing_is_saved_before(later, ada):
    url = f"/users/{ada.pk}/second-factor/reset/"
    page = later.post(url, {"version": "1", "reason": "Lost <phone>"}, headers=own(url))
    assert page.status_code == 401
    assert "you return to your form with everything you typed" in read(page).text
    back = later.post("/sudo/", form(page, "/sudo/") | {"password": PASSWORD}, headers=own(url))
    assert back.status_code == 200
    assert "Not saved yet" in read(back).one("form", action=url).text
    assert form(back, url)["reason"] == "Lost <phone>"
    ada.refresh_from_db()
    assert ada.has_second_factor
    assert later.post(url, form(back, url), headers=own(url)).status_code == 302
    ada.refresh_from_db()
    assert not ada.has_second_factor


def test_a_passkey_confirms_too_and_a_made_up_one_does_not(later, monkeypatch):
    assert later.post("/sudo/passkey/options/").json()["publicKey"]["challenge"]
    sent = {"credential": '{"id": "x"}', "next": "/jobs/"}
    code = later.post("/sudo/passkey/", sent | {"credential": '"123456"'})
    assert "passkey" in " ".join(errors_of(code))
    wrong = later.post("/sudo/passkey/", sent)
    assert wrong.status_code == 422
    assert "passkey" in " ".join(errors_of(wrong))
    assert form(wrong, "/sudo/")["next"] == "/jobs/"
    assert not AuditEvent.objects.filter(action="account.sudo_started").exists()
    monkeypatch.setattr(views, "verify_factor", lambda request, account, answer: True)
    assert later.post("/sudo/passkey/", sent)["Location"] == "/jobs/"
    assert AuditEvent.objects.get(action="account.sudo_started").after["method"] == "passkey"
    for path in ("/sudo/passkey/", "/sudo/passkey/options/"):
        assert_wrong_method(later, path, allowed="POST")


def test_a_code_of_the_app_confirms_once_and_brings_the_form_back(later, root, ada):
    codes = give_app(root)
    url = f"/users/{ada.pk}/second-factor/reset/"
    page = later.post(url, {"version": "1", "reason": "Lost it"}, headers=own(url))
    sent = form(page, "/sudo/code/")
    wrong = later.post("/sudo/code/", sent | {"code": "000000"}, headers=own(url))
    assert wrong.status_code == 422
    assert "wrong or was used" in " ".join(errors_of(wrong))
    code = app_code()
    back = later.post("/sudo/code/", form(wrong, "/sudo/code/") | {"code": code}, headers=own(url))
    assert form(back, url)["reason"] == "Lost it"
    wait(later)
    assert later.post("/sudo/code/", {"code": code}).status_code == 422  # used
    assert later.post("/sudo/code/", {"code": codes[0], "next": url})["Location"] == url
    methods = AuditEvent.objects.filter(action="account.sudo_started").order_by("id")
    assert [event.after["method"] for event in methods] == ["app", "recovery"]


def test_guessing_codes_ends(later, root):
    give_app(root)
    while (last := later.post("/sudo/code/", {"code": "1"})).status_code == 422:
        pass
    assert last.status_code == 429
    assert later.post("/sudo/code/", {"code": app_code()}).status_code == 429
    assert_wrong_method(later, "/sudo/code/", allowed="POST")


def test_without_an_app_there_is_no_field_for_a_code(later):
    assert not read(later.get("/sudo/")).all("form", action="/sudo/code/")
    assert later.post("/sudo/code/", {"code": ""}).status_code == 422


def test_a_form_of_someone_else_is_left_out(later, ada):
    url = f"/users/{ada.pk}/second-factor/reset/"
    page = later.post(url, {"version": "1", "reason": "x"}, headers=own(url))
    other = Client()
    other.force_login(make_superuser(username="other", password=PASSWORD))
    sent = form(page, "/sudo/") | {"password": PASSWORD}
    assert other.post("/sudo/", sent)["Location"] == url


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example", "javascript:x", ""])
def test_it_leads_nowhere_else(later, path):
    sent = {"next": path, "password": PASSWORD}
    assert later.post("/sudo/", sent)["Location"] == "/users/"


def test_bulk_jobs_ask_above_a_number_or_if_they_are_sensitive(later, ada, settings):
    settings.SUDO_BULK_ABOVE = 2
    ids = [user.pk for user in make_users(3)]

    def page(slug: str, number: int) -> int:
        query = "&".join(f"ids={pk}" for pk in ids[:number])
        return later.get(f"/users/bulk/{slug}/?{query}").status_code

    assert page("suspension", 2) == 200
    assert page("suspension", 3) == 302
    assert page("erasure", 1) == page("groups", 1) == page("archive", 1) == 302
    assert page("export", 1) == 302
    assert later.get("/exports/schedules/new/").status_code == 302
    assert later.get("/audit/export/").status_code == 302
    job = Job.objects.create(kind="erase", by=ada, by_text="x", up_to=1, state="waiting")
    assert later.get(f"/jobs/{job.pk}/approval/")["Location"].startswith("/sudo/")


def test_a_masked_export_does_not_ask(client):
    client.force_login(make_user("Viewer"))
    wait(client)
    assert client.get("/audit/export/").status_code == 403
    assert client.get(f"/users/bulk/export/?ids={make_user().pk}").status_code in (200, 403)


def test_the_ladder(client):
    assert_sent_to_sign_in(client, "/sudo/")
    client.force_login(make_user())
    page = client.get("/sudo/")
    assert page.status_code == 200
    assert read(page).one("p", class_="below").one("a").attributes["href"] == "/me/"
    client.force_login(make_user("Support"))
    for path in ("/sudo/", "/sudo/end/"):
        assert_wrong_method(client, path, allowed="GET, HEAD, POST")
    wait(client)
    account = User.objects.get(pk=client.session["_auth_user_id"])
    account.set_unusable_password()
    account.save()
    client.force_login(account)
    assert "Identity confirmed" in read(client.get("/sudo/")).text
    assert "has no password" in read(wait(client).get("/sudo/")).text
