"""The triggers that raise generations are there after every migrate, whatever happened to the
tables.
"""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from tests.builders import make_user
from tests.caching.looking import taken_back
from users.audit.former_values import FormerValuePosition
from users.audit.record import record_event
from users.caching.generation import GENERATION_NAMES, Generations, current_generations
from users.database import triggers
from users.models import User
from users.notes.models import Note

pytestmark = pytest.mark.django_db

# A change of each table.
WRITES = {
    "users_user": lambda ada: User.objects.filter(pk=ada.pk).update(phone="1"),
    "users_auditevent": lambda ada: record_event("account.edited", actor=None, target=ada),
    "auth_group": lambda ada: Group.objects.filter(name="Viewer").update(name="Reader"),
    "auth_permission": lambda ada: Permission.objects.filter(codename="view_user").update(
        name="May look"
    ),
    "auth_group_permissions": lambda ada: Group.objects.get(name="Viewer").permissions.clear(),
    "users_user_groups": lambda ada: ada.groups.clear(),
    "users_note": lambda ada: Note.objects.create(
        account=ada, author_text="somebody", text="Call first"
    ),
    "users_formervalueposition": lambda ada: FormerValuePosition.objects.create(found=1),
    "users_user_user_permissions": lambda ada: ada.user_permissions.add(
        Permission.objects.get(codename="view_user")
    ),
}


@pytest.fixture
def ada() -> User:
    account = make_user("Viewer")
    connection.check_constraints()  # tables are altered before any deferred check
    return account


def raised(before: Generations) -> set[str]:
    after = current_generations()
    return {name for name in GENERATION_NAMES if before[name] != after[name]}


def names(table: str = "") -> list[str]:
    """Of the triggers on a table, or on all."""
    statements = {
        "sqlite": (
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE %s AND "
            "name LIKE '%%_generation%%'"
        ),
        "postgresql": (
            "SELECT tgname FROM pg_trigger WHERE tgrelid::regclass::text LIKE %s AND tgname "
            "LIKE '%%_generation%%'"
        ),
    }
    with connection.cursor() as cursor:
        cursor.execute(statements[connection.vendor], [table or "%"])
        return sorted(name for (name,) in cursor.fetchall())


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_every_table_that_pages_show_is_known_here():
    assert set(WRITES) == set(triggers.GENERATION_OF_TABLE)
    assert set(triggers.GENERATION_OF_TABLE.values()) == set(GENERATION_NAMES)


@pytest.mark.parametrize("table", triggers.GENERATION_OF_TABLE)
def test_triggers_that_a_table_has_lost_come_back_with_the_next_migrate(ada, table):
    for name in names(table):
        sql(f"DROP TRIGGER {name}" + (f" ON {table}" if connection.vendor == "postgresql" else ""))
    before = current_generations()
    with taken_back():
        WRITES[table](ada)
        assert raised(before) == set()
    call_command("migrate", verbosity=0)
    before = current_generations()
    WRITES[table](ada)
    assert raised(before) == {triggers.GENERATION_OF_TABLE[table]}


def test_a_column_that_comes_later_counts_after_the_migrate(ada):
    sql("ALTER TABLE users_user ADD COLUMN nickname varchar(9) NOT NULL DEFAULT ''")
    triggers.reinstall_triggers()
    before = current_generations()
    sql("UPDATE users_user SET nickname = 'a'")
    assert raised(before) == {"accounts"}


def test_installing_them_again_changes_nothing(ada):
    before = current_generations()
    known = names()
    assert len(known) >= len(triggers.GENERATION_OF_TABLE)
    for _ in range(2):
        triggers.reinstall_triggers()
    assert names() == known
    assert current_generations() == before
    User.objects.filter(pk=ada.pk).update(phone="1")
    assert raised(before) == {"accounts"}


def test_triggers_of_a_newer_release_stay_when_its_predecessor_migrates(ada):
    """After a rollback, bin/release of the earlier release runs on the newer schema."""
    sql("ALTER TABLE users_user ADD COLUMN nickname varchar(9) NOT NULL DEFAULT ''")
    recorder = MigrationRecorder(connection)
    recorder.record_applied("users", "0999_later")
    triggers.reinstall_triggers()
    before = current_generations()
    sql("UPDATE users_user SET nickname = 'a'")
    assert raised(before) == set()
    recorder.record_unapplied("users", "0999_later")
    triggers.reinstall_triggers()
    sql("UPDATE users_user SET nickname = 'b'")
    assert raised(before) == {"accounts"}
