"""Who must set up a second factor, and what is open to them until then."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from connections import second_factor_policy
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from environ import Env

from tests.builders import PASSWORD, make_superuser, make_user
from tests.factors.factors import give_app
from tests.pages import read
from users.factors.policy import grace_end, second_factor_required
from users.sessions.models import GracePeriod
from users.verbs.second_factor_reset.verb import reset_second_factor

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

LIST = "/me/second-factor/"


@pytest.fixture(autouse=True)
def policy(settings):
    settings.SECOND_FACTOR_REQUIRED = "staff"
    settings.SECOND_FACTOR_GRACE_DAYS = 7


def pass_grace() -> None:
    days = timedelta(days=8)
    for period in GracePeriod.objects.all():
        GracePeriod.objects.filter(pk=period.pk).update(started_at=period.started_at - days)


def test_after_the_grace_period_every_page_leads_to_the_set_up(client):
    ada = make_user("Viewer", username="ada", password=PASSWORD)
    response = client.post("/login/", {"login": "ada", "password": PASSWORD}, follow=True)
    assert "Set up a second factor by" in read(response).one("p", class_="note warning").text
    assert "Set up a second factor by" in client.get(LIST).content.decode()
    pass_grace()
    for path in ("/users/", "/me/", "/me/sessions/", "/", f"/users/{ada.pk}/", "/audit/"):
        assert client.get(path)["Location"] == LIST, path
        assert client.post(path)["Location"] == LIST, path
    assert client.get("/me/parts/", headers={"HX-Request": "true"}).status_code == 204
    assert client.get("/users/", headers={"HX-Request": "true"})["HX-Redirect"] == LIST
    assert "Set up a second factor to continue" in client.get(LIST).content.decode()
    assert client.get(f"{LIST}app/").status_code == 200
    give_app(ada)
    assert client.get("/users/").status_code == 200


def test_pages_in_the_grace_period_read_it_with_the_viewer_and_write_nothing(client):
    client.force_login(make_user("Viewer"))
    client.get("/users/")
    assert GracePeriod.objects.exists()
    with CaptureQueriesContext(connection) as captured:
        assert client.get("/users/").status_code == 200
    about = [query["sql"] for query in captured if "graceperiod" in query["sql"]]
    assert len(about) == 1
    assert "session_data" in about[0]


@pytest.mark.parametrize("days", [0, 7])
def test_a_factor_that_was_removed_is_needed_at_once(settings, days):
    settings.SECOND_FACTOR_GRACE_DAYS = days
    ada = make_user("Viewer")
    give_app(ada)
    assert grace_end(ada) is None
    again = reset_second_factor(ada, by=make_superuser(), reason="Lost phone")
    assert not Authenticator.objects.exists()
    assert second_factor_required(again)


def test_the_server_resets_the_factor_of_the_last_administrator(capsys):
    ada = make_superuser(username="ada")
    give_app(ada)
    call_command("reset_second_factor", "ADA", reason="Lost phone and codes")
    assert "All sessions ended" in capsys.readouterr().out
    assert not Authenticator.objects.exists()
    with pytest.raises(CommandError, match="no second factor"):
        call_command("reset_second_factor", "ada", reason="Again")
    with pytest.raises(CommandError, match="No account"):
        call_command("reset_second_factor", "bob", reason="x")


@pytest.mark.parametrize(
    ("required", "needs"),
    [("none", set()), ("staff", {"viewer", "root"}), ("superusers", {"root"})],
)
def test_the_setting_says_who_needs_one(settings, required, needs):
    settings.SECOND_FACTOR_REQUIRED = required
    settings.SECOND_FACTOR_GRACE_DAYS = 0
    accounts = {"viewer": make_user("Viewer"), "root": make_superuser(), "person": make_user()}
    assert {name for name in accounts if second_factor_required(accounts[name])} == needs


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECOND_FACTOR_REQUIRED", "everyone"),
        ("SECOND_FACTOR_GRACE_DAYS", "-1"),
        ("SECOND_FACTOR_GRACE_DAYS", "soon"),
    ],
)
def test_bad_settings_are_named_at_the_start(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=name):
        second_factor_policy(Env(), "staff")
