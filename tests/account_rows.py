"""Reads an account and its events from the database, and makes the database refuse events."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from users.audit.models import AuditEvent
from users.models import User


def row(account: User) -> dict[str, Any]:
    """Returns all columns of the account, and the names of its roles."""
    stored = User.objects.filter(pk=account.pk).values().get()
    roles = User.objects.get(pk=account.pk).groups.values_list("name", flat=True)
    return stored | {"groups": sorted(roles)}


def events(account: User | None = None) -> list[AuditEvent]:
    found = AuditEvent.objects.order_by("id")
    return list(found.filter(target_id=account.pk) if account else found)


@contextmanager
def events_refused() -> Iterator[None]:
    """Makes the database refuse audit events within the block.

    If the block fails, the rollback of the test's transaction restores it.
    """
    if connection.vendor == "postgresql":
        begin = "ALTER TABLE users_auditevent ADD CONSTRAINT full_disk CHECK (false) NOT VALID"
        end = "ALTER TABLE users_auditevent DROP CONSTRAINT full_disk"
    else:
        begin = (
            "CREATE TRIGGER full_disk BEFORE INSERT ON users_auditevent BEGIN SELECT "
            "RAISE(ABORT, 'full_disk'); END"
        )
        end = "DROP TRIGGER full_disk"
    with connection.cursor() as cursor:
        cursor.execute(begin)
        yield
        cursor.execute(end)
