"""manage.py optimize_db: what it reports, and what it mends."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from tests.builders import make_user
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
def broken_index():
    """An index whose concurrent build has failed, as at a duplicate value; its twin is sound."""
    run("CREATE INDEX probe_index ON users_note (text)")
    run("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'probe_index'::regclass")
    yield
    run("DROP INDEX IF EXISTS probe_index, probe_twin")


@pytest.mark.postgresql
@REINDEX
def test_an_invalid_index_is_rebuilt_and_a_duplicate_is_reported(broken_index):
    assert "Would rebuild the invalid index probe_index." in optimize("--dry-run")
    assert upkeep.invalid_indexes() == ["probe_index"]
    run("CREATE INDEX probe_twin ON users_note (text)")
    assert "Rebuilding the invalid index probe_index." in optimize()
    assert upkeep.invalid_indexes() == []
    assert "Duplicate indexes: probe_index and probe_twin." in optimize("--dry-run")


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
