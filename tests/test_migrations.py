"""What the migrations are made of."""

from importlib import import_module
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission

from tests.house import imported_names
from tests.roles import ROLES

FOLDER = Path(__file__).parents[1] / "users" / "migrations"
FILES = sorted(FOLDER.glob("[0-9]*.py"))


def test_they_are_found():
    assert len(FILES) >= 7


@pytest.mark.sqlite
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_migration_imports_nothing_that_may_change(file: Path):
    """users.models may be imported, as a field of our own class can't be written otherwise, and so
    may an operation that stays as it is.
    """
    ours = {name for name in imported_names(file) if name.split(".")[0] == "users"}
    allowed = ("users.models.", "users.database.online_indexes.")
    assert {name for name in ours if not f"{name}.".startswith(allowed)} == set()


@pytest.mark.django_db
def test_each_permission_of_the_first_roles_exists():
    known = set(
        Permission.objects.filter(content_type__app_label="users").values_list(
            "codename", flat=True
        )
    )
    named = {codename for codenames in ROLES.values() for codename in codenames}
    assert named <= known


@pytest.mark.sqlite
def test_migrations_of_a_version_before_the_first_release_are_told_by_a_name_that_is_free():
    from users.database.version import EARLIER_MIGRATION

    names = {file.stem for file in FILES}
    assert EARLIER_MIGRATION[1] not in names
    assert import_module("users.migrations.0001_accounts").Migration.initial
