"""The cache alias `default`: a table of the database, whose entries run nothing."""

import pickle
from base64 import b64encode
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.db import connection, transaction
from django.utils import timezone

from tests.jobs.test_payload import Bomb

pytestmark = pytest.mark.django_db
WARNING = "The cache in the database has entries that this installation did not store."


@pytest.fixture
def cache():
    return caches["default"]


def execute(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def expire() -> None:
    past = timezone.now() - timedelta(seconds=1)
    moment = connection.ops.adapt_datetimefield_value(past)
    execute("UPDATE rollcall_cache SET expires = %s", moment)


def test_it_is_a_cache(cache):
    assert cache.get("one", "default") == "default"
    cache.set("one", {"a": [1.5]}, 60)
    cache.set_many({"two": "2", "none": None}, None)
    assert cache.get_many(["one", "two", "none", "gone"]) == {
        "one": {"a": [1.5]},
        "two": "2",
        "none": None,
    }
    assert cache.has_key("two")
    cache.set("one", 1, 60)
    assert cache.incr("one") == 2
    assert cache.get("one") == 2
    assert cache.delete("one")
    assert not cache.delete("one")
    assert cache.get("one") is None
    assert cache.get_many([]) == {}


def test_add_stores_only_where_nothing_valid_is(cache):
    assert cache.add("lock", 1, 60)
    assert not cache.add("lock", 2, 60)
    assert cache.get("lock") == 1
    expire()
    assert cache.get("lock") is None
    assert cache.add("lock", 3, 60)
    assert cache.get("lock") == 3


def test_touch_moves_the_end_of_what_is_there(cache):
    cache.set("one", 1, 60)
    assert cache.touch("one", 600)
    assert not cache.touch("two", 600)
    expire()
    assert not cache.touch("one", 600)


def test_many_entries_push_none_out(cache):
    """Django’s own deletes a third of 300, so a flood would end the lock of an account."""
    cache.set("first", 1, 60)
    for number in range(320):
        cache.set(f"flood{number}", number, 60)
    assert cache.get("first") == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM rollcall_cache")
        assert cursor.fetchone() == (321,)


def test_a_write_is_part_of_its_transaction(cache):
    with transaction.atomic():
        cache.set("one", 1, 60)
        transaction.set_rollback(True)
    assert cache.get("one") is None


def test_a_pickle_in_the_table_is_a_miss_and_is_logged_once(cache, tmp_path, caplog):
    file = tmp_path / "owned"
    for name in ("one", "two"):
        cache.set(name, "mine", 60)
    bomb = b64encode(pickle.dumps(Bomb(file))).decode()
    execute("UPDATE rollcall_cache SET value = %s", bomb)
    assert cache.get("one", "default") == "default"
    assert cache.get_many(["one", "two"]) == {}
    assert not file.exists()
    assert [record.getMessage() for record in caplog.records] == [WARNING]
    cache.set("one", "again", 60)
    assert cache.get("one") == "again"


@pytest.mark.parametrize("text", ["", "é", "no base64!", "AAAA"])
def test_other_text_is_a_miss(cache, text):
    cache.set("one", "mine", 60)
    execute("UPDATE rollcall_cache SET value = %s", text)
    assert cache.get("one") is None


def test_an_entry_that_was_copied_to_another_key_is_a_miss(cache):
    cache.set("mine", [1.5], 60)
    execute(
        "INSERT INTO rollcall_cache (cache_key, value, expires) "
        "SELECT ':1:yours', value, expires FROM rollcall_cache"
    )
    assert cache.get_many(["mine", "yours"]) == {"mine": [1.5]}
