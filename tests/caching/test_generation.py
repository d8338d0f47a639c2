"""Every change raises the generation of what it changes, and no other; soft columns raise none."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, update_last_login
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from tests.builders import make_user
from tests.caching.generation_counts import COMMAND, total
from tests.caching.looking import taken_back
from users.audit.models import AuditEvent
from users.audit.record import build_event, record_event
from users.caching.generation import (
    GENERATION_NAMES,
    Generations,
    current_generations,
)
from users.caching.models import Generation
from users.directory import preferences
from users.models import User
from users.verbs.profile.verb import edit_profile
from users.verbs.roles.verb import assign_roles
from users.verbs.suspension.verb import suspend_account

pytestmark = pytest.mark.django_db

SOFT = {"last_seen_at", "last_login", "preferences"}
ACCOUNTS = {"accounts"}
AUDIT = {"audit"}
ROLES = {"roles"}
NOTHING = set()
Change = Callable[[User], Any]


def raised(before: Generations) -> set[str]:
    after = current_generations()
    return {name for name in GENERATION_NAMES if before[name] != after[name]}


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def group(name: str = "Viewer") -> Group:
    return Group.objects.get(name=name)


def permission(codename: str = "invite_user") -> Permission:
    return Permission.objects.get(codename=codename, content_type__app_label="users")


def new(name: str) -> User:
    account = User(username=name, email=f"{name}@example.com")
    account.derive()
    return account


def insert_by_hand(ada: User) -> None:
    """A second row like hers, by the database alone."""
    names = [field.column for field in User._meta.concrete_fields if not field.primary_key]
    own = {"username": "'twin'", "email": "''"}
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(own.get(name, f'"{name}"') for name in names)
    sql(f"INSERT INTO users_user ({columns}) SELECT {values} FROM users_user WHERE id = %s", ada.pk)


def copy_in(ada: User) -> None:
    fields = [field for field in User._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    twin = new("twin")
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY users_user ({columns}) FROM STDIN") as copy,
    ):
        copy.write_row(
            [field.get_db_prep_save(getattr(twin, field.attname), connection) for field in fields]
        )


def upsert(ada: User) -> None:
    twin = new(ada.username)
    twin.pk = ada.pk
    twin.phone = "1"
    User.objects.bulk_create(
        [twin], update_conflicts=True, unique_fields=["id"], update_fields=["phone"]
    )


def bulk_update(ada: User) -> None:
    ada.phone = "1"
    User.objects.bulk_update([ada], ["phone"])


def seal(ada: User) -> None:
    AuditEvent.objects.filter(pk=AuditEvent.objects.latest("pk").pk).update(
        chain_position=1, chain_salt=b"1"
    )


def new_group(ada: User) -> None:
    """To set permissions takes more than one statement."""
    Group.objects.create(name="Team").permissions.set(Permission.objects.all()[:2])


# Each with what it raises. The account is in the group Viewer, has a permission of its own, and an
# event.
CHANGES: dict[str, tuple[set[str], Change]] = {
    "save of an account": (ACCOUNTS, lambda ada: ada.save()),
    "save of one column": (ACCOUNTS, lambda ada: ada.save(update_fields=["phone"])),
    "a new account": (ACCOUNTS, lambda ada: make_user()),
    "update of a queryset": (
        ACCOUNTS,
        lambda ada: User.objects.filter(pk=ada.pk).update(phone="1"),
    ),
    "bulk_create of accounts": (
        ACCOUNTS,
        lambda ada: User.objects.bulk_create([new("a"), new("b")]),
    ),
    "bulk_create over accounts": (ACCOUNTS, upsert),
    "bulk_update of accounts": (ACCOUNTS, bulk_update),
    "delete of an account": (ACCOUNTS | ROLES, lambda ada: ada.delete()),
    "UPDATE of an account": (
        ACCOUNTS,
        lambda ada: sql("UPDATE users_user SET phone = '1' WHERE id = %s", ada.pk),
    ),
    "INSERT of an account": (ACCOUNTS, insert_by_hand),
    "DELETE of an account": (
        ACCOUNTS,
        lambda ada: sql("DELETE FROM users_user WHERE username = 'lone'"),
    ),
    "suspension": (ACCOUNTS | AUDIT, lambda ada: suspend_account(ada, by=COMMAND, reason="Why")),
    "edit": (
        ACCOUNTS | AUDIT,
        lambda ada: edit_profile(ada, by=COMMAND, version=None, phone="12345"),
    ),
    "roles by verb": (
        ACCOUNTS | AUDIT | ROLES,
        lambda ada: assign_roles(
            ada, by=COMMAND, groups=[group("Auditor")], is_staff=True, is_superuser=False
        ),
    ),
    "joining a group": (ROLES, lambda ada: ada.groups.add(group("Auditor"))),
    "leaving a group": (ROLES, lambda ada: ada.groups.remove(group())),
    "leaving all groups": (ROLES, lambda ada: ada.groups.clear()),
    "other groups": (ROLES, lambda ada: ada.groups.set([group("Auditor")])),
    "a group takes members": (ROLES, lambda ada: group("Auditor").user_set.set([ada])),
    "INSERT of a membership": (
        ROLES,
        lambda ada: sql(
            "INSERT INTO users_user_groups (user_id, group_id) VALUES (%s, %s)",
            ada.pk,
            group("Auditor").pk,
        ),
    ),
    "UPDATE of a membership": (
        ROLES,
        lambda ada: sql("UPDATE users_user_groups SET group_id = %s", group("Auditor").pk),
    ),
    "DELETE of memberships": (ROLES, lambda ada: sql("DELETE FROM users_user_groups")),
    "a permission of one's own": (
        ROLES,
        lambda ada: ada.user_permissions.add(permission("edit_user")),
    ),
    "its loss": (ROLES, lambda ada: ada.user_permissions.remove(permission())),
    "DELETE of own permissions": (
        ROLES,
        lambda ada: sql("DELETE FROM users_user_user_permissions"),
    ),
    "a permission for a group": (ROLES, lambda ada: group().permissions.add(permission())),
    "a permission taken from a group": (
        ROLES,
        lambda ada: group().permissions.remove(permission("view_user")),
    ),
    "no permission for a group": (ROLES, lambda ada: group().permissions.clear()),
    "DELETE of a group's permissions": (
        ROLES,
        lambda ada: sql("DELETE FROM auth_group_permissions"),
    ),
    "a group": (ROLES, new_group),
    "another name of a group": (
        ROLES,
        lambda ada: Group.objects.filter(name="Viewer").update(name="Reader"),
    ),
    "save of a group": (ROLES, lambda ada: group().save()),
    "delete of a group": (ROLES, lambda ada: group().delete()),
    "another name of a permission": (
        ROLES,
        lambda ada: Permission.objects.filter(pk=permission().pk).update(codename="x"),
    ),
    "an event": (AUDIT, lambda ada: record_event("account.edited", actor=None, target=ada)),
    "bulk_create of events": (
        AUDIT,
        lambda ada: AuditEvent.objects.bulk_create([build_event("denied", actor=None)]),
    ),
    "INSERT of an event": (
        AUDIT,
        lambda ada: sql(
            "INSERT INTO users_auditevent (at, actor_text, action, target_text, before, after, reason, ticket, user_agent, "
            "request_id) VALUES (%s, '', 'denied', '', '{}', '{}', '', '', '', '')",
            timezone.now(),
        ),
    ),
    "sealing an event": (NOTHING, seal),
    "signing in": (NOTHING, lambda ada: Client().force_login(ada)),
    "last_login": (NOTHING, lambda ada: update_last_login(None, ada)),
    "last_seen_at": (
        NOTHING,
        lambda ada: User.objects.filter(pk=ada.pk).update(last_seen_at=timezone.now()),
    ),
    "preferences": (NOTHING, lambda ada: preferences.choose_size(ada, 25)),
}
ON_POSTGRESQL: dict[str, tuple[set[str], Change]] = {
    "COPY": (ACCOUNTS, copy_in),
    "TRUNCATE": (ACCOUNTS | ROLES | AUDIT, lambda ada: sql("TRUNCATE users_user CASCADE")),
    "TRUNCATE of memberships": (ROLES, lambda ada: sql("TRUNCATE users_user_groups")),
}


@pytest.fixture
def ada() -> User:
    account = make_user("Viewer", username="ada")
    account.user_permissions.add(permission())
    make_user(username="lone")
    record_event("account.edited", actor=None, target=account)
    connection.check_constraints()  # TRUNCATE and ALTER wait for no deferred check
    return account


@pytest.mark.parametrize(("expected", "change"), CHANGES.values(), ids=CHANGES)
def test_a_change_raises_the_generation_of_what_it_changes_and_no_other(ada, expected, change):
    before = current_generations()
    change(ada)
    assert raised(before) == expected
    for name in expected:
        assert total(current_generations(), name) > total(before, name)


@pytest.mark.postgresql
@pytest.mark.parametrize(("expected", "change"), ON_POSTGRESQL.values(), ids=ON_POSTGRESQL)
def test_so_does_what_only_postgresql_has(ada, expected, change):
    before = current_generations()
    change(ada)
    assert raised(before) == expected


@pytest.mark.parametrize("column", [field.column for field in User._meta.concrete_fields])
def test_every_column_of_an_account_counts_but_the_soft_ones(ada, column):
    before = current_generations()
    sql(f'UPDATE users_user SET "{column}" = "{column}" WHERE id = %s', ada.pk)
    assert raised(before) == (NOTHING if column in SOFT else ACCOUNTS)


# --- changes that are taken back ------------------------------------------------------------------


def test_a_change_that_is_rolled_back_to_a_savepoint_leaves_the_number_as_it_was(ada):
    before = current_generations()
    with transaction.atomic():
        with taken_back():
            User.objects.update(phone="1")
            inside = current_generations()
            assert raised(before) == ACCOUNTS
        assert current_generations() == before
        tick()
        ada.save()
    assert raised(before) == ACCOUNTS
    assert current_generations()["accounts"] != inside["accounts"]


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_leaves_the_number_as_it_was():
    ada = make_user()
    before = current_generations()
    numbers = [before["accounts"]]
    for _ in range(5):
        with taken_back():
            edit_profile(ada, by=COMMAND, version=None, phone="12345")
            numbers.append(current_generations()["accounts"])
        assert current_generations() in (before, Generations())
        tick()
    edit_profile(ada, by=COMMAND, version=None, phone="12345")
    numbers.append(current_generations()["accounts"])
    assert len(numbers) == len(
        set(numbers)
    )  # what was stored in a transaction that came to nothing is never found


def tick() -> None:
    """Returns in the next millisecond, which is what SQLite's clock counts in."""
    then = int(timezone.now().timestamp() * 1000)
    while int(timezone.now().timestamp() * 1000) == then:
        pass


def restore(rows: list[dict[str, Any]]) -> None:
    Generation.objects.all().delete()
    Generation.objects.bulk_create(Generation(**row) for row in rows)


@pytest.mark.parametrize(
    "back", [lambda old: Generation.objects.all().delete(), restore], ids=["emptied", "restored"]
)
def test_no_number_comes_back_after_the_table_is_emptied_or_restored(ada, back):
    old = list(Generation.objects.values())
    numbers = [current_generations()["accounts"]]
    for _ in range(10):
        for _ in range(3):
            User.objects.update(phone="1")
            numbers.append(current_generations()["accounts"])
        back(old)
        tick()
    User.objects.update(phone="1")
    numbers.append(current_generations()["accounts"])
    assert len(numbers) == len(set(numbers))


# --- writers at once ------------------------------------------------------------------------------


# --- reading --------------------------------------------------------------------------------------


def test_an_empty_table_reads_as_zeros(ada):
    Generation.objects.all().delete()
    assert current_generations().of(*GENERATION_NAMES) == "0/0/0"
