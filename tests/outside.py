"""Triggers that record changes made outside Rollcall, in tests: elsewhere they are off, because
fixtures change accounts without events.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from django.test import override_settings

from users.audit.models import AuditEvent
from users.audit.outside_changes import record_outside_changes
from users.database.outside_record import OUTSIDE_ACTION
from users.database.outside_triggers import install_outside_triggers


@contextmanager
def outside_triggers() -> Iterator[None]:
    """Installs the triggers for a block, or until the transaction of the test is rolled back."""
    connection.check_constraints()  # no table can be altered before its deferred checks
    with override_settings(RECORD_OUTSIDE_CHANGES=True):
        install_outside_triggers(connection)
        try:
            yield
        finally:
            settings.RECORD_OUTSIDE_CHANGES = False
            if not connection.in_atomic_block:
                install_outside_triggers(connection)


def outside_events() -> list[AuditEvent]:
    """Returns the events of changes outside, after what is done at a commit."""
    if connection.vendor == "postgresql":
        connection.check_constraints()
    else:
        record_outside_changes()
    return list(AuditEvent.objects.filter(action=OUTSIDE_ACTION).order_by("pk"))


def run_sql(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
