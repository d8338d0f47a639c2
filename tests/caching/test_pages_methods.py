"""A cached page serves HEAD and GET."""

import pytest

from tests.builders import make_user
from tests.caching.looking import ask, plain
from tests.caching.viewers import signed_in

pytestmark = pytest.mark.django_db


def test_a_page_that_head_has_built_serves_get():
    client = signed_in(make_user("Viewer"))
    built = client.head("/users/")
    found = ask(client, "/users/")
    assert found.outcome == "hit"
    assert b"Directory" in plain(found)
    for name in ("Content-Type", "Vary", "Cache-Control"):
        assert found[name] == built[name]
