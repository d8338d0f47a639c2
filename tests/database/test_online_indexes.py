"""AddIndexOnline and RemoveIndexOnline: writers go on meanwhile, and both can be repeated."""

from contextlib import suppress

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.migrations.state import ProjectState

from users.database.online_indexes import AddIndexOnline, RemoveIndexOnline
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)
INDEX = models.Index(fields=["locale", "id"], name="user_by_locale")


def index_names() -> set[str]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, User._meta.db_table)
    return {name for name, each in found.items() if each["index"]}


def test_it_is_added_removed_and_built_again_after_an_interruption():
    before, after = (ProjectState.from_apps(apps) for _ in range(2))
    operation = AddIndexOnline("user", INDEX)
    operation.state_forwards("users", after)
    try:
        for _ in range(2 if connection.vendor == "postgresql" else 1):
            with connection.schema_editor(atomic=False) as editor:
                operation.database_forwards("users", editor, before, after)
            assert "user_by_locale" in index_names()
        with connection.schema_editor(atomic=False) as editor:
            operation.database_backwards("users", editor, after, before)
        assert "user_by_locale" not in index_names()
        with connection.schema_editor(atomic=False) as editor:
            operation.database_forwards("users", editor, before, after)
        removal = RemoveIndexOnline("user", INDEX.name)
        for _ in range(2 if connection.vendor == "postgresql" else 1):
            with connection.schema_editor(atomic=False) as editor:
                removal.database_forwards("users", editor, after, before)
            assert "user_by_locale" not in index_names()
        with connection.schema_editor(atomic=False) as editor:
            removal.database_backwards("users", editor, before, after)
        assert "user_by_locale" in index_names()
    finally:
        with suppress(Exception), connection.cursor() as cursor:
            cursor.execute("DROP INDEX user_by_locale")
