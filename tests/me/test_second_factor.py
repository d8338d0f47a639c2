"""The pages under /me/second-factor/"""

import pytest
from allauth.mfa.models import Authenticator

from tests.answers import assert_wrong_method, errors_of
from tests.builders import PASSWORD, make_user
from tests.factors.factors import app_code, give_app, stored_secret
from tests.pages import read
from users.audit.models import AuditEvent
from users.mail.models import Message
from users.sudo.recent import SUDO_KEY

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

LIST = "/me/second-factor/"
APP = f"{LIST}app/"
CODES = f"{LIST}recovery-codes/"


@pytest.fixture
def ada(client):
    ada = make_user(username="ada", password=PASSWORD)
    client.force_login(ada)
    return ada


def events() -> list[tuple[str, dict, dict]]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", "before", "after"))


def kinds() -> list[str]:
    return list(Message.objects.order_by("pk").values_list("kind", flat=True))


def set_up(client, **typed: str):
    page = read(client.get(APP))
    secret = page.one("dd").text.replace(" ", "")
    return secret, client.post(APP, {"code": app_code(secret)} | typed)


def test_an_app_is_set_up_with_recovery_codes_that_show_once(client, ada):
    secret, response = set_up(client)
    codes = [
        item.text.replace(" ", "") for item in read(response).all("li") if item.text[:4].isdigit()
    ]
    assert len(codes) == 10
    ada.refresh_from_db()
    assert ada.has_second_factor
    assert stored_secret(ada) == secret
    rows = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in rows
    assert not any(code in rows for code in codes)
    assert events() == [
        (
            "account.second_factor_added",
            {"has_second_factor": False},
            {"factor": "Authenticator app", "has_second_factor": True},
        )
    ]
    assert kinds() == ["factor-added"]
    listed = client.get(LIST).content.decode()
    assert "10 of 10 left" in listed
    assert not any(code in listed for code in codes)
    assert client.get(APP)["Location"] == LIST
    assert secret not in str(client.session.items())


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"code": "123"}, "This code is wrong"),
        ({"code": ""}, "required"),
    ],
)
def test_bad_input_is_named_and_nothing_is_set_up(client, ada, typed, says):
    _, response = set_up(client, **typed)
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response))
    assert not Authenticator.objects.exists()
    assert not events()


def test_the_last_factor_goes_with_its_codes(client, ada):
    give_app(ada)
    app = Authenticator.objects.get(type="totp")
    path = f"{LIST}{app.pk}/removal/"
    assert client.get(path).status_code == 200
    assert client.post(path)["Location"] == LIST
    assert not Authenticator.objects.exists()
    ada.refresh_from_db()
    assert not ada.has_second_factor
    assert events()[-1] == (
        "account.second_factor_removed",
        {"factor": "Authenticator app", "has_second_factor": True},
        {"has_second_factor": False},
    )
    assert kinds() == ["factor-added", "factor-removed"]
    assert client.get(path).status_code == 404
    assert client.get(CODES)["Location"] == LIST


def test_new_recovery_codes_replace_the_earlier_ones(client, ada):
    earlier = give_app(ada)
    response = client.post(CODES)
    assert not any(f"{code[:4]} {code[4:]}" in response.content.decode() for code in earlier)
    assert events()[-1][0] == "account.recovery_codes_made"
    assert kinds()[-1] == "recovery-codes"
    assert Authenticator.objects.filter(type="recovery_codes").count() == 1


def test_nobody_removes_the_factor_of_somebody_else(client, ada):
    bob = make_user()
    give_app(bob)
    pk = Authenticator.objects.get(type="totp").pk
    path = f"{LIST}{pk}/removal/"
    assert client.post(path).status_code == 404
    assert Authenticator.objects.count() == 2


def test_each_page_asks_for_a_recent_confirmation_by_the_password(client, ada):
    give_app(ada)
    ada.set_password("13572468")  # looks like a code
    ada.save()
    client.force_login(ada)
    pk = Authenticator.objects.get(type="totp").pk
    session = client.session
    session[SUDO_KEY] = {"at": 0, "method": "sign-in"}
    session.save()
    for path in (APP, CODES, f"{LIST}passkeys/", f"{LIST}{pk}/removal/"):
        assert client.get(path)["Location"].startswith("/sudo/?next="), path
        assert client.post(path).status_code in (302, 401), path
    assert client.post(f"{LIST}passkeys/options/").status_code in (302, 401)
    assert Authenticator.objects.count() == 2
    assert client.get(LIST).status_code == 200
    for password, leads_to in (("24681357", ""), ("13572468", CODES)):
        answer = client.post("/sudo/", {"password": password, "next": CODES})
        assert answer.headers.get("Location", "") == leads_to
    assert client.get(CODES).status_code == 200


def test_options_for_a_passkey(client, ada):
    path = f"{LIST}passkeys/options/"
    options = client.post(path).json()["publicKey"]
    assert options["rp"] == {"id": "localhost", "name": "Example Ltd"}
    answer = client.post(f"{LIST}passkeys/", {"name": "Phone", "credential": "{}"})
    assert answer.status_code == 422
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("path", [APP, CODES, f"{LIST}passkeys/"])
def test_other_methods_are_refused(client, ada, path):
    give_app(ada)
    assert_wrong_method(client, path, allowed="GET, HEAD, POST")
