"""How often signing in to one account may fail, and until when it is locked."""

from datetime import timedelta
from functools import partial

import pytest
from django.core import signing
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.builders import PASSWORD, make_superuser, make_user
from users.models import User
from users.sessions import throttle
from users.sessions.known_devices import COOKIE_NAME, device_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_user(username="ada", password=PASSWORD)


def fail(times: int, login: str = "ada", **more) -> None:
    for _ in range(times):
        assert (
            Client().post("/login/", {"login": login, "password": "wrong"}, **more).status_code
            == 422
        )


def test_four_failures_lock_nothing_and_the_fifth_does_for_five_minutes(ada):
    fail(4)
    assert throttle.locked_until(ada) is None
    before = timezone.now()
    fail(1)
    until = throttle.locked_until(ada)
    assert before - timedelta(minutes=1) < until - timedelta(minutes=5) < timezone.now()
    assert Client().post("/login/", {"login": "ada", "password": PASSWORD}).status_code == 429
    assert throttle.locked_until(ada) == until  # attempts that were not looked at do not count


def test_the_names_of_one_account_are_counted_together(ada):
    fail(3, "ada")
    fail(2, "Ada@Example.com")
    assert throttle.locked_until(ada)
    for login in ("ada", "ada@example.com"):
        assert Client().post("/login/", {"login": login, "password": PASSWORD}).status_code == 429


def test_another_port_or_host_in_the_address_is_no_other_counter(ada):
    for number in range(5):
        fail(1, headers={"Host": f"localhost:{8000 + number}"})
    assert throttle.locked_until(ada)


STRANGER = {"REMOTE_ADDR": "198.51.100.7"}


@pytest.mark.parametrize("role", ["", "Support", "superuser"])
def test_a_strangers_failures_lock_out_nobody_else(role):
    make = make_superuser if role == "superuser" else partial(make_user, role)
    account = make(username="grace", password=PASSWORD)
    right = {"login": "grace", "password": PASSWORD}
    fail(5, "grace", **STRANGER)
    assert throttle.locked_until(account)
    assert Client().post("/login/", right, **STRANGER).status_code == 429
    assert Client().post("/login/", right).status_code == 302


def test_a_device_that_has_signed_in_before_is_let_through_beside_a_stranger(ada):
    device = Client()
    right = {"login": "ada", "password": PASSWORD}
    assert device.post("/login/", right).status_code == 302
    device.post("/logout/")
    fail(5)
    fail(5, "somebody")  # ten failures in a minute lock the network address
    assert Client().post("/login/", right).status_code == 429
    assert device.post("/login/", right).status_code == 302


def test_a_known_device_has_a_limit_of_its_own(ada):
    device = Client()
    device.post("/login/", {"login": "ada", "password": PASSWORD})
    device.post("/logout/")
    wrong = {"login": "ada", "password": "wrong"}
    assert [device.post("/login/", wrong).status_code for _ in range(6)] == [422] * 5 + [429]
    assert throttle.locked_until(ada)


def test_a_device_of_one_account_is_unknown_to_another(ada):
    grace = make_user(username="grace", password=PASSWORD)
    device = Client()
    device.post("/login/", {"login": "ada", "password": PASSWORD})
    device.post("/logout/")
    request = RequestFactory().post("/login/")
    request.COOKIES = {name: item.value for name, item in device.cookies.items()}
    assert device_of(request, ada)
    assert device_of(request, grace) == ""


def test_a_forged_cookie_is_no_device(ada):
    request = RequestFactory().post("/login/")
    request.COOKIES = {COOKIE_NAME: signing.dumps(["x", [ada.pk]], salt="another")}
    assert device_of(request, ada) == ""


def test_many_addresses_together_have_a_limit_that_a_known_device_passes(ada, monkeypatch):
    monkeypatch.setattr(throttle, "TOTAL_RATE", "7/1h/key")
    device = Client()
    right = {"login": "ada", "password": PASSWORD}
    device.post("/login/", right)
    device.post("/logout/")
    for number in range(7):
        fail(1, REMOTE_ADDR=f"198.51.100.{number}")
    assert Client().post("/login/", right, REMOTE_ADDR="198.51.100.99").status_code == 429
    assert device.post("/login/", right).status_code == 302
    throttle.reset_failures(ada)
    assert Client().post("/login/", right, REMOTE_ADDR="198.51.100.99").status_code == 302


def test_names_that_nobody_has_are_answered_like_others(ada):
    for number, name in enumerate(("ada", "nobody")):
        stranger = {"REMOTE_ADDR": f"198.51.100.{number}"}
        fail(5, name, **stranger)
        typed = {"login": name, "password": "wrong"}
        assert Client().post("/login/", typed, **stranger).status_code == 429
        assert Client().post("/login/", typed).status_code == 422


def test_one_account_is_not_another(ada):
    grace = make_user(username="grace", password=PASSWORD)
    fail(5)
    assert throttle.locked_until(grace) is None
    assert Client().post("/login/", {"login": "grace", "password": PASSWORD}).status_code == 302


def test_names_that_nobody_has_are_counted_one_by_one():
    fail(5, "nobody")
    assert Client().post("/login/", {"login": "nobody", "password": "x"}).status_code == 429
    fail(1, "nobody2")


def test_a_success_takes_nothing_back_but_itself(ada):
    fail(4)
    assert Client().post("/login/", {"login": "ada", "password": PASSWORD}).status_code == 302
    fail(1)
    assert throttle.locked_until(ada)


def test_it_can_be_reset(ada):
    fail(5)
    throttle.reset_failures(ada)
    assert throttle.locked_until(ada) is None
    assert Client().post("/login/", {"login": "ada", "password": PASSWORD}).status_code == 302


def test_asking_takes_two_queries(ada):
    fail(5)
    with CaptureQueriesContext(connection) as queries:
        assert throttle.locked_until(ada)
    assert len(queries) == 2


def test_without_limits_nobody_is_locked_out(ada, settings):
    fail(5)
    settings.ACCOUNT_RATE_LIMITS = False
    assert throttle.locked_until(ada) is None
