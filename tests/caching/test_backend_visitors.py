"""What visitors see while Redis fails."""

import pytest
from django.core.cache import caches

from tests.builders import PASSWORD, make_superuser, make_user
from tests.caching.broken_redis import FAULTS, NOT_READY, Server, forget
from tests.pages import read
from users.caching.backend import (
    BREAKER_SECONDS,
)

pytestmark = pytest.mark.postgresql  # of Redis, and not of the database


@pytest.fixture
def site(server, configuration, settings, clock) -> Server:
    """The site's own pages with this server as their cache."""
    settings.CACHES = settings.CACHES | {"pages": configuration}
    return server


def heading(response) -> str:
    assert response.status_code == 200, response.status_code
    return read(response).one("h1").text


def names(response) -> str:
    assert response.status_code == 200, response.status_code
    return read(response).one("tbody").text


def sign_in(client, password: str = PASSWORD):
    return client.post("/login/", {"login": "ada", "password": password})


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
def test_pages_come_and_are_right_and_a_session_holds(client, site, clock, fault):
    hurt, heal = FAULTS[fault]
    account = make_user(first_name="Grace", last_name="Before")
    client.force_login(make_superuser())
    assert "Grace Before" in names(client.get("/users/"))
    for number, change in enumerate((hurt, lambda _: None, heal)):
        change(site)
        for _ in range(2):
            account.last_name = f"After{number}"
            account.save()
            for _ in range(2):  # made, and from memory
                assert f"Grace After{number}" in names(client.get("/users/"))
                assert heading(client.get(f"/users/{account.pk}/")) == f"Grace After{number}"
        clock.now += BREAKER_SECONDS
    assert caches["pages"].current_error() == ""


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
def test_people_sign_in_and_out(client, site, fault):
    make_user("Viewer", username="ada", password=PASSWORD)
    FAULTS[fault][0](site)
    assert sign_in(client)["Location"] == "/users/"
    stolen = client.cookies["session"].value
    assert client.get("/users/").status_code == 200
    assert client.post("/logout/")["Location"] == "/login/"
    client.cookies["session"] = stolen
    assert client.get("/users/").status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
def test_a_session_that_was_ended_meanwhile_is_over_when_redis_is_back(client, site, clock, fault):
    """Redis still has it then: it could not be told."""
    hurt, heal = FAULTS[fault]
    make_user("Viewer", username="ada", password=PASSWORD)
    sign_in(client)
    stolen = client.cookies["session"].value
    assert client.get("/users/").status_code == 200
    hurt(site)
    client.post("/logout/")
    heal(site)
    clock.now += BREAKER_SECONDS
    forget(caches["pages"])
    client.cookies["session"] = stolen
    assert client.get("/users/").status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
def test_guessing_passwords_stays_closed(client, site, fault):
    make_user("Viewer", username="ada", password=PASSWORD)
    for _ in range(3):
        assert sign_in(client, "wrong").status_code == 422
    FAULTS[fault][0](site)
    for _ in range(2):
        assert sign_in(client, "wrong").status_code == 422
    assert sign_in(client).status_code == 429


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
def test_readyz_names_the_cache(client, site, fault):
    hurt, heal = FAULTS[fault]
    assert client.get("/readyz").json()["cache"] == "ok"
    hurt(site)
    response = client.get("/readyz")
    assert (response.status_code, response.json()["cache"]) == (200, NOT_READY)
    heal(site)
    assert client.get("/readyz").json()["cache"] == "ok"  # whatever the breakers say


@pytest.mark.django_db
def test_a_page_that_cannot_be_read_is_made_anew(client, site):
    make_user(first_name="Grace")
    client.force_login(make_superuser())
    client.get("/users/")
    for key in site.direct.scan_iter():
        site.direct.set(key, b"nothing of ours")
    forget(caches["pages"])
    assert "Grace" in names(client.get("/users/"))
    forget(caches["pages"])
    assert "Grace" in names(client.get("/users/"))
    assert b"nothing of ours" not in site.direct.mget(list(site.direct.scan_iter()))
    assert caches["pages"].current_error() == ""
