"""How often signing in to one account may fail, and until when it is locked."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.builders import PASSWORD, make_user
from users.models import User
from users.sessions import throttle

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


def test_asking_takes_one_query(ada):
    fail(5)
    with CaptureQueriesContext(connection) as queries:
        assert throttle.locked_until(ada)
    assert len(queries) == 1


def test_without_limits_nobody_is_locked_out(ada, settings):
    fail(5)
    settings.ACCOUNT_RATE_LIMITS = False
    assert throttle.locked_until(ada) is None
