"""A cached page is one entry, which one read finds."""

from unittest.mock import patch

import pytest
from django.core.cache import caches

from tests.builders import make_user
from tests.caching.looking import ask, plain, stored
from tests.caching.viewers import PART, signed_in

pytestmark = pytest.mark.django_db


def page_keys(keys) -> set[str]:
    """The keys of pages, in Redis and in the memory of the process."""
    return {key.rpartition(":1:")[2] for key in keys if "page:" in key}


def test_a_hit_reads_one_key():
    client = signed_in(make_user("Viewer"))
    built = ask(client, "/users/")
    assert built.outcome == "miss"
    assert len(page_keys(stored())) == 1
    cache = caches["pages"]
    with patch.object(cache, "get", wraps=cache.get) as read:
        found = ask(client, "/users/")
    assert found.outcome == "hit"
    assert plain(found) == plain(built)
    assert len(page_keys(call.args[0] for call in read.call_args_list)) == 1


def test_a_page_and_its_part_are_two_entries():
    client = signed_in(make_user("Viewer"))
    assert ask(client, "/users/").outcome == "miss"
    assert ask(client, "/users/", **PART).outcome == "miss"
    assert len(page_keys(stored())) == 2


def test_head_and_get_share_a_page():
    client = signed_in(make_user("Viewer"))
    built = client.head("/users/")
    found = ask(client, "/users/")
    assert found.outcome == "hit"
    assert b"Directory" in plain(found)
    for name in ("Content-Type", "Vary", "Cache-Control"):
        assert found[name] == built[name]
