"""manage.py warm_cache: the first visitor after a deploy finds the page."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from tests.builders import make_user
from tests.caching.looking import ask, on_redis

pytestmark = pytest.mark.django_db


def warm() -> str:
    output = StringIO()
    call_command("warm_cache", stdout=output)
    return output.getvalue().strip()


def test_each_group_of_viewers_finds_the_first_pages(client_factory):
    if not on_redis():
        assert warm() == "Nothing to warm: each process has a cache of its own."
        return
    now = timezone.now()
    make_user("Support", last_seen_at=now)
    make_user("Manager", last_seen_at=now)
    make_user("Administrator", last_seen_at=now, status="suspended")
    make_user(last_seen_at=now)
    # A new account would make all pages outdated.
    clients = {role: client_factory(make_user(role)) for role in ("Support", "Manager")}
    assert warm() == "10 pages are cached for 2 groups of viewers."
    encodings = {"Accept-Encoding": "gzip, br"}
    found = {role: ask(clients[role], "/users/", **encodings).outcome for role in clients}
    assert found == {"Support": "hit", "Manager": "hit"}
