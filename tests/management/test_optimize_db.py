"""manage.py optimize_db: what it reports, and what it mends."""

from io import StringIO
from threading import Barrier

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from tests.builders import make_user
from tests.threads import at_once, until_somebody_waits
from users.database import upkeep

REINDEX = pytest.mark.django_db(transaction=True)


def optimize(*options: str) -> list[str]:
    output = StringIO()
    call_command("optimize_db", *options, stdout=output)
    return output.getvalue().splitlines()


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.sqlite
@REINDEX
def test_on_sqlite_it_merges_the_search_index_and_empties_the_log():
    make_user(first_name="Ada")
    expected = ["Search indexes to merge: users_user_search. Statistics and write-ahead log."]
    assert optimize("--dry-run") == expected
    assert optimize() == expected
    [(busy, frames, _)] = upkeep.select_rows("PRAGMA wal_checkpoint(PASSIVE)")
    assert (busy, frames) == (0, 0)


@pytest.fixture
def probe(monkeypatch):
    """A table with dead rows, unused and duplicate indexes, and one whose build has failed at a
    duplicate value.
    """
    monkeypatch.setattr(upkeep, "LARGE_BYTES", 16 * 1024)
    run("CREATE TABLE probe (word text, number int) WITH (autovacuum_enabled = off)")
    run("INSERT INTO probe SELECT 'word' || n % 2999, n FROM generate_series(1, 3000) AS n")
    for name in ("one", "two"):
        run(f"CREATE INDEX probe_{name} ON probe (number) WHERE number > 5")
    with pytest.raises(IntegrityError):
        run("CREATE UNIQUE INDEX CONCURRENTLY probe_word ON probe (word)")
    run("DELETE FROM probe WHERE number > 2000 AND number < 2999")
    run("SELECT pg_stat_force_next_flush()")
    yield
    run("DROP TABLE probe")


@pytest.mark.postgresql
@REINDEX
def test_it_finds_what_is_wrong_and_mends_what_it_can_online(probe):
    dry = optimize("--dry-run")
    assert "Would rebuild the invalid index probe_word." in dry
    assert "Would analyze probe: 3,998 rows changed." in dry
    assert "Duplicate indexes: probe_one and probe_two." in dry
    [bloat] = [line for line in dry if line.startswith("Bloat: probe")]
    assert "998 dead rows beside 2,002" in bloat
    assert any(line.startswith("Missing index? probe was read as a whole") for line in dry)
    assert any(line.startswith("Unused index: probe_one, ") for line in dry)
    [failure] = [line for line in optimize() if "can’t be rebuilt" in line]
    assert failure.startswith("probe_word can’t be rebuilt: could not create unique index")
    assert "word1" not in failure
    assert upkeep.invalid_indexes() == ["probe_word"]
    run("UPDATE probe SET word = 'other' WHERE number = 3000")
    assert "Rebuilding the invalid index probe_word." in optimize()
    assert upkeep.invalid_indexes() == []
    with pytest.raises(IntegrityError):
        run("INSERT INTO probe VALUES ('other', 1)")
    assert not any("nalyz" in line for line in optimize("--dry-run") if "probe" in line)


@pytest.mark.postgresql
@REINDEX
def test_an_index_that_is_being_built_is_left_alone(probe):
    run("DROP INDEX probe_word")

    def look() -> list[str]:
        with transaction.atomic():
            run("LOCK TABLE probe IN ROW EXCLUSIVE MODE")
            barrier.wait(30)
            until_somebody_waits()
            return upkeep.invalid_indexes()

    def build() -> None:
        barrier.wait(30)
        run("CREATE INDEX CONCURRENTLY probe_later ON probe (word)")

    barrier = Barrier(2)
    assert at_once(look, build) == [[], None]
    assert upkeep.invalid_indexes() == []


@pytest.mark.postgresql
def test_tables_are_judged_by_their_statistics():
    def state(**changes: object) -> upkeep.TableState:
        usual = {"rows": 100_000, "dead_rows": 0, "changed_rows": 0, "is_unanalyzed": False}
        sizes = {"name": "users_user", "scans": 0, "index_scans": 9, "bytes": 2**30}
        return upkeep.TableState(**(usual | sizes | changes))

    well = state()
    assert [well.is_stale, well.is_bloated, well.lacks_index] == [False] * 3
    assert state(changed_rows=20_000).is_stale
    assert state(is_unanalyzed=True).is_stale
    assert not state(changed_rows=900, rows=100).is_stale
    assert state(dead_rows=40_000).is_bloated
    assert not state(dead_rows=40_000, bytes=8192).is_bloated
    assert state(scans=10).lacks_index
