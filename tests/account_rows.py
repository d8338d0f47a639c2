"""What the database holds of an account, its events, and a database that refuses events."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from users.audit.models import AuditEvent
from users.models import User


def row(account: User) -> dict[str, Any]:
    """Everything that the database has about the account."""
    stored = User.objects.filter(pk=account.pk).values().get()
    return stored | {
        "groups": sorted(User.objects.get(pk=account.pk).groups.values_list("name", flat=True))
    }


def events(account: User | None = None) -> list[AuditEvent]:
    found = AuditEvent.objects.order_by("id")
    return list(found.filter(target_id=account.pk) if account else found)


@contextmanager
def events_refused() -> Iterator[None]:
    """Until the end, the database takes no audit event. The test's transaction takes it back if the
    block fails.
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
