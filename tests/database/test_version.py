"""A database of a version before the first release is refused wherever one starts."""

import sys

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from tests.databases import make_earlier_database, table_names
from tests.processes import ROOT, running
from tests.servers import free_port
from users.database.version import earlier_version_refusal

pytestmark = [pytest.mark.django_db, pytest.mark.long]

REFUSAL = (
    "This database was made by an earlier version and can't be upgraded. "
    "Create an empty database, set DATABASE_URL to it, and run manage.py migrate."
)
WEB = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())["web"]


def newest_migration() -> str:
    (leaf,) = MigrationLoader(connection).graph.leaf_nodes("users")
    return leaf[1]


def record_migration(name: str) -> None:
    MigrationRecorder(connection).record_applied("users", name)


def test_a_database_of_this_version_is_not_refused():
    assert earlier_version_refusal() == ""


def test_a_database_of_a_later_version_is_not_refused():
    """While a deployment goes on, processes of the old release start beside the new ones."""
    record_migration("0999_later")
    assert earlier_version_refusal() == ""


def test_a_database_of_an_earlier_version_is_refused(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    record_migration("0002_database_rules")
    assert earlier_version_refusal() == REFUSAL


def test_a_database_that_does_not_answer_is_not_refused(monkeypatch):
    def fail(self):
        raise DatabaseError

    monkeypatch.setattr(MigrationRecorder, "applied_migrations", fail)
    assert earlier_version_refusal() == ""


@pytest.mark.sqlite
def test_the_demo_is_told_to_be_made_anew_by_a_command_that_can_be_copied(
    settings, tmp_path, monkeypatch
):
    settings.VAR_DIR = tmp_path / "my var"
    record_migration("0002_database_rules")
    monkeypatch.setitem(
        connection.settings_dict, "NAME", str(settings.VAR_DIR / "rollcall.sqlite3")
    )
    assert earlier_version_refusal() == (
        "This demo database was made by an earlier version and must be recreated. "
        f"Remove its folder and start bin/run again: rm -r '{tmp_path}/my var' && bin/run"
    )


def test_migrate_refuses_before_it_begins(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    record_migration("0002_database_rules")
    newest = newest_migration()
    MigrationRecorder(connection).record_unapplied("users", newest)
    with pytest.raises(CommandError) as caught:
        call_command("migrate", verbosity=0)
    assert str(caught.value) == REFUSAL
    applied = MigrationRecorder(connection).applied_migrations()
    assert ("users", newest) not in applied


@pytest.mark.parametrize(
    "command",
    [[sys.executable, "manage.py", "migrate"], [sys.executable, "manage.py", "worker"], WEB],
    ids=["migrate", "worker", "web"],
)
def test_every_process_stops_and_leaves_the_database_as_it_is(command, empty_database, tmp_path):
    make_earlier_database(empty_database)
    place = {
        "DATABASE_URL": empty_database,
        "VAR_DIR": str(tmp_path / "var"),
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
    }
    with running(command, tmp_path, **place) as process:
        assert process.process.wait(60) == 1
    assert process.said().strip().splitlines()[-1].removeprefix("CommandError: ") == REFUSAL
    assert "Traceback" not in process.said()
    assert table_names(empty_database) == ["django_migrations"]
