"""What the tests of the verbs lean on: each verb with an account that it fits, and a database that
refuses events.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import QuerySet

from tests.builders import make_user
from users import verbs
from users.audit.models import AuditEvent
from users.models import User


@dataclass(frozen=True)
class Verb:
    """`ask(account, by=…, version=…)` changes an account with `fields` and writes `event`; it takes
    `permission`.
    """

    ask: Callable[..., User]
    event: str
    permission: str = ""
    fields: dict[str, Any] = field(default_factory=dict)

    def target(self) -> User:
        return User.objects.get(pk=make_user(**self.fields).pk)


def assign_viewer(account: User, **kwargs: Any) -> User:
    return verbs.assign_roles(
        account,
        groups=Group.objects.filter(name="Viewer"),
        is_staff=True,
        is_superuser=False,
        **kwargs,
    )


def viewers() -> QuerySet[Group]:
    return Group.objects.filter(name="Viewer")


LATER = datetime(2999, 1, 31, 12, 30, tzinfo=UTC)
# The verbs that change an account with somebody's leave and from a version.
VERBS = {
    "edit": Verb(
        lambda account, **kw: verbs.edit(account, first_name="Ann", **kw),
        "account.edited",
        "users.edit_user",
    ),
    "put_back": Verb(
        lambda account, **kw: verbs.put_back(
            account, field="first_name", value="Ann", reason="Typo", **kw
        ),
        "account.put_back",
        "users.edit_user",
    ),
    "suspend": Verb(
        lambda account, **kw: verbs.suspend(account, reason="Lost laptop", **kw),
        "account.suspended",
        "users.suspend_user",
    ),
    "reinstate": Verb(
        verbs.reinstate,
        "account.reinstated",
        "users.reinstate_user",
        {"status": "suspended", "password": "x" * 20},
    ),
    "assign_roles": Verb(assign_viewer, "account.roles_assigned", "users.assign_roles"),
    "set_end_date": Verb(
        lambda account, **kw: verbs.set_end_date(account, until=LATER, **kw),
        "account.end_date_set",
        "users.set_end_date",
    ),
    "clear_end_date": Verb(
        verbs.clear_end_date,
        "account.end_date_cleared",
        "users.set_end_date",
        {"valid_until": LATER},
    ),
    "delete": Verb(
        lambda account, **kw: verbs.delete(account, reason="Asked", **kw),
        "account.deleted",
        "users.delete_user",
    ),
    "restore": Verb(
        verbs.restore,
        "account.restored",
        "users.restore_user",
        {"status": "deleted", "status_reason": "Asked", "deleted_at": LATER},
    ),
    "require_password_change": Verb(
        verbs.require_password_change,
        "account.password_change_required",
        "users.require_password_change",
        {"password": "x" * 20},
    ),
    "verify_email": Verb(
        lambda account, **kw: verbs.verify_email(account, reason="Called", **kw),
        "account.email_verified",
        "users.verify_email",
    ),
    "reset_second_factor": Verb(
        lambda account, **kw: verbs.reset_second_factor(account, reason="Lost", **kw),
        "account.second_factor_reset",
        "users.reset_second_factor",
        {"has_second_factor": True},
    ),
    "add_to_groups": Verb(
        lambda account, **kw: verbs.add_to_groups(account, groups=viewers(), **kw),
        "account.groups_added",
        "users.change_groups",
    ),
    "remove_from_groups": Verb(
        lambda account, **kw: verbs.remove_from_groups(account, groups=viewers(), **kw),
        "account.groups_removed",
        "users.change_groups",
        {"role": "Viewer"},
    ),
}


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
        begin = "CREATE TRIGGER full_disk BEFORE INSERT ON users_auditevent BEGIN SELECT RAISE(ABORT, 'full_disk'); END"
        end = "DROP TRIGGER full_disk"
    with connection.cursor() as cursor:
        cursor.execute(begin)
        yield
        cursor.execute(end)
