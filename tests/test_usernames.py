"""Usernames that nobody may choose."""

import pytest

from users.reserved_usernames import RESERVED_USERNAMES
from users.usernames import is_reserved_username, normalise_username

pytestmark = pytest.mark.sqlite  # of text, and not of the database

RESERVED = [
    "admin",
    "Administrator",
    "root",
    "postmaster",
    "abuse",
    "null",
    "undefined",
    "me",
    "login",
    "no-reply",
    "web_master",
    "a.d.m.i.n",
    "admin\u0301",
    "ádmin",
    "аdmіn",
    "ＲＯＯＴ",
]


@pytest.mark.parametrize("username", RESERVED)
def test_a_name_of_the_system_is_reserved_in_every_spelling(username):
    assert is_reserved_username(normalise_username(username))


@pytest.mark.parametrize("username", ["ann", "m.e", "admina", "rooty", "zoë", "admin@example.com"])
def test_a_name_of_a_person_is_free(username):
    assert not is_reserved_username(normalise_username(username))


def test_the_setting_adds_names_and_releases_some(settings):
    settings.RESERVED_USERNAMES = ["Acme-Service", "-price"]
    assert is_reserved_username("acmeservice")
    assert is_reserved_username("acme.service")
    assert not is_reserved_username("price")
    assert is_reserved_username("admin")


def test_each_reserved_name_is_a_username_in_its_stored_form():
    assert [name for name in RESERVED_USERNAMES if normalise_username(name) != name] == []
    assert [name for name in RESERVED_USERNAMES if not is_reserved_username(name)] == []
