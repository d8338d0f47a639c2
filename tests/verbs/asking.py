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
from users.audit.models import AuditEvent
from users.models import User
from users.verbs.deletion.verb import delete_account
from users.verbs.end_date.verb import set_end_date
from users.verbs.end_date_removal.verb import clear_end_date
from users.verbs.password_change.verb import require_password_change
from users.verbs.profile.verb import edit_profile, restore_value
from users.verbs.reinstatement.verb import reinstate_account
from users.verbs.restoration.verb import restore_account
from users.verbs.role_addition.verb import add_to_groups
from users.verbs.role_removal.verb import remove_from_groups
from users.verbs.roles.verb import assign_roles
from users.verbs.second_factor_reset.verb import reset_second_factor
from users.verbs.suspension.verb import suspend_account
from users.verbs.verification.verb import verify_email


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
    return assign_roles(
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
        lambda account, **kw: edit_profile(account, first_name="Ann", **kw),
        "account.edited",
        "users.edit_user",
    ),
    "put_back": Verb(
        lambda account, **kw: restore_value(
            account, field="first_name", value="Ann", reason="Typo", **kw
        ),
        "account.put_back",
        "users.edit_user",
    ),
    "suspend": Verb(
        lambda account, **kw: suspend_account(account, reason="Lost laptop", **kw),
        "account.suspended",
        "users.suspend_user",
    ),
    "reinstate": Verb(
        reinstate_account,
        "account.reinstated",
        "users.reinstate_user",
        {"status": "suspended", "password": "x" * 20},
    ),
    "assign_roles": Verb(assign_viewer, "account.roles_assigned", "users.assign_roles"),
    "set_end_date": Verb(
        lambda account, **kw: set_end_date(account, until=LATER, **kw),
        "account.end_date_set",
        "users.set_end_date",
    ),
    "clear_end_date": Verb(
        clear_end_date,
        "account.end_date_cleared",
        "users.set_end_date",
        {"valid_until": LATER},
    ),
    "delete": Verb(
        lambda account, **kw: delete_account(account, reason="Asked", **kw),
        "account.deleted",
        "users.delete_user",
    ),
    "restore": Verb(
        restore_account,
        "account.restored",
        "users.restore_user",
        {"status": "deleted", "status_reason": "Asked", "deleted_at": LATER},
    ),
    "require_password_change": Verb(
        require_password_change,
        "account.password_change_required",
        "users.require_password_change",
        {"password": "x" * 20},
    ),
    "verify_email": Verb(
        lambda account, **kw: verify_email(account, reason="Called", **kw),
        "account.email_verified",
        "users.verify_email",
    ),
    "reset_second_factor": Verb(
        lambda account, **kw: reset_second_factor(account, reason="Lost", **kw),
        "account.second_factor_reset",
        "users.reset_second_factor",
        {"has_second_factor": True},
    ),
    "add_to_groups": Verb(
        lambda account, **kw: add_to_groups(account, groups=viewers(), **kw),
        "account.groups_added",
        "users.change_groups",
    ),
    "remove_from_groups": Verb(
        lambda account, **kw: remove_from_groups(account, groups=viewers(), **kw),
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
        begin = (
            "CREATE TRIGGER full_disk BEFORE INSERT ON users_auditevent BEGIN SELECT "
            "RAISE(ABORT, 'full_disk'); END"
        )
        end = "DROP TRIGGER full_disk"
    with connection.cursor() as cursor:
        cursor.execute(begin)
        yield
        cursor.execute(end)
