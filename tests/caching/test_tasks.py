"""What workers do about caches."""

import pytest
from django.core.cache import caches
from django.db import connection

from users.caching.tasks import flush_pages, purge_expired
from users.jobs.schedule import EVERY_MINUTE


def test_a_flush_leaves_no_page():
    caches["pages"].set("a", 1)
    flush_pages()
    assert caches["pages"].get("a") is None


@pytest.mark.django_db
def test_what_has_run_out_is_dropped_every_minute_and_nothing_else():
    assert "users.caching.tasks.purge_expired" in EVERY_MINUTE
    for name in ("stays", "goes"):
        caches["default"].set(name, 1, 600)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE rollcall_cache SET expires = '2020-01-01 00:00:00' WHERE cache_key LIKE '%goes'"
        )
        purge_expired()
        cursor.execute("SELECT cache_key FROM rollcall_cache")
        assert cursor.fetchall() == [(":1:stays",)]
