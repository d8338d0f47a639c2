"""Forms that were sent after the session had ended, or with a stale token: what was typed stays."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core import signing
from django.test import Client
from django.utils import timezone

from tests.builders import PASSWORD, make_superuser, make_user
from tests.pages import form, read
from users.models import User
from users.notes.changes import add_note
from users.sessions.models import Session

pytestmark = pytest.mark.django_db
ORIGIN = "http://testserver"
ELSEWHERE = "https://evil.example"


@pytest.fixture
def agent() -> User:
    return make_user("Manager", username="ana", first_name="Ana", password=PASSWORD)


@pytest.fixture
def ada() -> User:
    return make_user(username="ada", first_name="Ada")


def own(path: str) -> dict[str, str]:
    """The headers that a browser sends with a form of the page `path`."""
    return {"Origin": ORIGIN, "Referer": ORIGIN + path}


def sign_in(client: Client, page, login: str = "ana"):
    sent = form(page, "/login/") | {"login": login, "password": PASSWORD}
    return client.post("/login/", sent, headers=own("/login/"))


def test_a_form_that_is_sent_after_the_session_comes_back_after_the_sign_in(client, agent, ada):
    User.objects.filter(pk=agent.pk).update(time_zone="Asia/Tokyo")
    client.force_login(agent)
    path = f"/users/{ada.pk}/suspension/"
    sent = form(client.get(path), path) | {"reason": "Asked for “<b>it</b>”\nby phone & mail"}
    Session.objects.all().delete()
    page = client.post(path, sent, headers=own(path))
    assert page.status_code == 401
    assert read(page).one("h1").text == "Sign in"
    assert "what you typed is kept" in read(page).text
    wrong = client.post("/login/", form(page, "/login/") | {"login": "ana", "password": "no"})
    assert wrong.status_code == 422
    back = sign_in(client, wrong)
    assert back.status_code == 200
    assert "nothing was saved" in read(back).one("form", action=path).one(role="alert").text
    assert form(back, path) == sent
    assert "Time zone: Asia/Tokyo." in read(back).text
    assert read(back).one("meta", name="address").attributes["content"] == path
    ada.refresh_from_db()
    assert ada.status == "active"
    assert client.post(path, form(back, path), headers=own(path)).status_code == 302
    ada.refresh_from_db()
    assert (ada.status, ada.status_reason) == ("suspended", sent["reason"])


def test_ticks_choices_and_the_address_with_its_query_come_back_too(client, agent, ada):
    client.force_login(agent)
    User.objects.filter(pk=ada.pk).update(email_verified_at=timezone.now())
    path = f"/users/bulk/letter/?ids={agent.pk}&ids={ada.pk}"
    sent = form(client.get(path), path) | {"subject": "Hi", "text": "Dear {name}", "count": "7"}
    Session.objects.all().delete()
    page = client.post(path, sent, headers=own(path))
    assert form(page, "/login/")["next"] == path
    assert form(sign_in(client, page), path) == sent
    client.force_login(agent)
    invite = form(client.get("/users/new/"), "/users/new/") | {"username": "new"}
    Session.objects.all().delete()
    page = client.post("/users/new/", invite, headers=own("/users/new/"))
    assert form(sign_in(client, page), "/users/new/") == invite


@pytest.mark.parametrize("secure", [False, True])
def test_somebody_else_who_signs_in_does_not_get_what_was_typed(
    client, agent, ada, settings, secure
):
    settings.SECURE = settings.SESSION_COOKIE_SECURE = secure
    make_user("Manager", username="ben", first_name="Ben", password=PASSWORD)
    client.force_login(agent)
    path = f"/users/{ada.pk}/suspension/"
    sent = form(client.get(path), path) | {"reason": "of Ana"}
    Session.objects.all().delete()
    response = sign_in(client, client.post(path, sent, headers=own(path)), "ben")
    assert (response.status_code, response["Location"]) == (302, path)


def test_a_form_that_is_not_open_to_who_signed_in_leads_on_as_ever(client, agent, ada):
    client.force_login(agent)
    path = f"/users/{ada.pk}/suspension/"
    sent = form(client.get(path), path) | {"reason": "x"}
    Session.objects.all().delete()
    page = client.post(path, sent, headers=own(path))
    agent.groups.clear()
    assert sign_in(client, page)["Location"] == path


@pytest.mark.parametrize("origin", ["", ELSEWHERE, "null"])
def test_what_another_site_sends_is_neither_kept_nor_shown(client, agent, ada, origin):
    path = f"/users/{ada.pk}/suspension/"
    headers = {"Origin": origin, "Referer": ORIGIN + path} if origin else {}
    response = client.post(path, {"version": "1", "reason": "of others"}, headers=headers)
    assert (response.status_code, response["Location"]) == (302, "/login/")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(agent)
    response = strict.post(path, {"version": "1", "reason": "of others"}, headers=headers)
    assert response.status_code == 403
    assert "of others" not in response.content.decode()


def test_a_stale_token_brings_the_form_back_with_a_fresh_one(agent, ada):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(agent)
    path = f"/users/{ada.pk}/suspension/"
    sent = form(strict.get(path), path) | {"reason": "Told by Ben", "csrfmiddlewaretoken": "x" * 64}
    page = strict.post(path, sent, headers=own(path))
    assert page.status_code == 403
    token = read(page).one("form", action=path).one("input", name="csrfmiddlewaretoken")
    again = form(page, path)
    assert again["reason"] == "Told by Ben"
    again["csrfmiddlewaretoken"] = token.attributes["value"]
    assert strict.post(path, again, headers=own(path)).status_code == 302


def test_a_form_on_another_page_than_its_address_comes_back_there(agent):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(agent)
    page = "/users/views/new/?status=suspended"
    sent = form(strict.get(page), "/users/views/") | {"name": "Mine"}
    again = strict.post("/users/views/", sent, headers=own(page))
    assert again.status_code == 403
    assert form(again, "/users/views/")["name"] == "Mine"


def test_no_password_is_kept_or_carried(client, agent):
    strict = Client(enforce_csrf_checks=True)
    page = strict.post("/login/", {"login": "ana", "password": "s3cret!"}, headers=own("/login/"))
    assert page.status_code == 403
    assert form(page, "/login/") == {"login": "ana", "password": ""}
    assert "s3cret!" not in page.content.decode()
    typed = {"oldpassword": "s3cret!", "password1": "s3cret!", "note": "x"}
    page = client.post("/me/password/", typed, headers=own("/me/password/"))
    assert page.status_code == 401
    token = form(page, "/login/")["kept"]
    kept = signing.loads(token, salt="users.signin.kept_forms")
    assert kept[-1] == "note=x"


def test_who_is_signed_in_by_another_tab_goes_on(agent):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(agent)
    response = strict.post("/login/", {"login": "ana"}, headers=own("/login/"))
    assert (response.status_code, response["Location"]) == (302, "/")


@pytest.mark.parametrize("kept", ["", "x", "a:b:c"])
def test_a_kept_form_that_was_tampered_with_is_left_out(client, agent, kept):
    sent = {"login": "ana", "password": PASSWORD, "kept": kept}
    assert client.post("/login/", sent)["Location"] == "/users/"


def test_a_form_that_comes_back_after_the_sign_in_is_masked_like_its_page(client, ada):
    group = Group.objects.get(name="Viewer")
    group.permissions.add(Permission.objects.get(codename="add_note"))
    viewer = make_user("Viewer", username="vic", password=PASSWORD)
    add_note(ada, by=make_superuser(), text="Write to her at ada.private@example.com")
    path = f"/users/{ada.pk}/notes/"
    client.force_login(viewer)
    page = client.get(path)
    assert "Write to her" in read(page).text
    assert "ada.private" not in page.content.decode()
    sent = form(page, path) | {"text": "Called back"}
    Session.objects.all().delete()
    back = sign_in(client, client.post(path, sent, headers=own(path)), "vic")
    assert form(back, path)["text"] == "Called back"
    assert "Write to her" in read(back).text
    assert "ada.private" not in back.content.decode()
