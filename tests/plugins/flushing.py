"""Lets transactional tests flush the database, which append-only triggers forbid, and puts back
what a migration made.
"""

import pytest
from django.apps import apps
from django.db import connection
from django.db.models.signals import post_migrate

from tests.roles import make_roles
from users.audit.models import AuditEvent

AUDIT = AuditEvent._meta.db_table
BEFORE = {
    # Triggers do not fire in a replica; the setting ends with the transaction of the flush.
    "postgresql": ["SET LOCAL session_replication_role = replica"],
    # The migrate signal after the flush puts it back (users.database.triggers.reinstall_triggers).
    "sqlite": [f"DROP TRIGGER IF EXISTS {AUDIT}_delete"],
}


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """pytest-django's, and then a flush that works."""
    flush = connection.ops.execute_sql_flush

    def flush_all(statements: list[str]) -> None:
        # Django's cache table belongs to no model and would be left.
        flush(
            [*BEFORE[connection.vendor], *statements, "DELETE FROM rollcall_cache"]
            if statements
            else statements
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection.ops, "execute_sql_flush", flush_all)
        post_migrate.connect(put_roles_back, sender=apps.get_app_config("users"))
        yield


def put_roles_back(**_: object) -> None:
    make_roles()
