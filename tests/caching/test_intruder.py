"""Somebody who can write to Redis plants what they like: the site runs none of it, shows none of it
and goes on.
"""

import pickle

import pytest

from tests.builders import make_superuser, make_user
from tests.caching import looking
from tests.caching.viewers import signed_in
from tests.jobs.test_payload import Bomb
from users.caching import fragments

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
PATHS = ("/users/", "/users/{}/", "/jobs/", "/audit/")


@pytest.fixture
def pages_of_a_viewer():
    """Asks for pages as another process would, which remembers nothing."""
    account = make_user(username="ada")
    client = signed_in(make_superuser())

    def ask() -> list[tuple[int, str]]:
        with looking.process({}):
            fragments.FRAGMENT_MEMORY.clear()
            responses = [client.get(path.format(account.pk)) for path in PATHS]
        return [(one.status_code, looking.tree(one).one("main").text) for one in responses]

    return ask


def plant(make) -> int:
    """Writes make(key, value) under every key, and returns how many there are."""
    with looking.server() as redis:
        keys = list(redis.scan_iter())
        values = {key: redis.get(key) for key in keys}
        for key in keys:
            redis.set(key, make(key, values), keepttl=True)
    return len(keys)


def test_pickles_under_every_key_run_nothing(pages_of_a_viewer, tmp_path, caplog):
    before = pages_of_a_viewer()
    assert {status for status, _ in before} == {200}
    bomb = pickle.dumps(Bomb(tmp_path / "owned"))
    assert plant(lambda key, values: bomb) > 5
    assert pages_of_a_viewer() == before
    assert not (tmp_path / "owned").exists()
    assert sum("did not store" in record.getMessage() for record in caplog.records) == 1


def test_entries_that_changed_places_are_not_shown(pages_of_a_viewer):
    before = pages_of_a_viewer()

    def next_value(key, values):
        keys = sorted(values)
        return values[keys[keys.index(key) - 1]]

    assert plant(next_value) > 5
    assert pages_of_a_viewer() == before
