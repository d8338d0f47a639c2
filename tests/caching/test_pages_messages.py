"""A message of a viewer is shown once, to them alone, and is in no cached page."""

import pytest

from tests.builders import make_user
from tests.caching.looking import ask, plain, stored
from tests.caching.viewers import PART, signed_in

pytestmark = pytest.mark.django_db


MESSAGE = "Columns saved."


def test_a_message_is_shown_once_to_its_owner_and_never_kept():
    owner = signed_in(make_user("Viewer"))
    colleague = signed_in(make_user("Viewer"))
    assert ask(owner, "/users/").outcome == "miss"
    assert (
        owner.post("/users/columns/", {"columns": ["email"], "email": "on", "order": "email"})[
            "Location"
        ]
        == "/users/"
    )
    assert MESSAGE not in plain(ask(colleague, "/users/")).decode()
    part = ask(owner, "/users/", **PART)  # has no place for it, and leaves it for the next page
    assert MESSAGE not in plain(part).decode()
    told = ask(owner, "/users/")
    assert told.outcome == "bypassed"
    assert plain(told).decode().count(MESSAGE) == 1
    for client in (owner, colleague, owner):
        response = ask(client, "/users/")
        assert response.outcome in ("hit", "miss")
        assert MESSAGE not in plain(response).decode()
    assert stored()
    assert not [
        key
        for key, value in stored().items()
        if MESSAGE.encode() in value and "session:" not in key
    ]
