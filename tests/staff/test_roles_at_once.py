"""A role is changed or deleted while it is given, with a second administrator's approval on."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from tests.builders import make_superuser, make_user
from tests.threads import until_somebody_waits
from users.exceptions import VerbRefused
from users.models import User
from users.staff.roles.changes import HOLDERS_REFUSAL, change_role, delete_role
from users.verbs.role_addition.verb import add_roles
from users.verbs.roles import approval
from users.verbs.roles.verb import assign_roles

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


@pytest.fixture(autouse=True)
def four_eyes(settings):
    settings.ADMINISTRATOR_APPROVAL = "on"


def role_names(account: User) -> set[str]:
    return set(account.groups.values_list("name", flat=True))


def start_and_wait(pool: ThreadPoolExecutor, change: Callable[[], Any]) -> Future:
    """Returns the result of a change that waits for a lock of this thread."""

    def run() -> Any:
        try:
            return change()
        finally:
            connection.close()

    started = pool.submit(run)
    until_somebody_waits()
    return started


def test_a_role_gets_no_administrator_permission_while_it_is_given(monkeypatch):
    giver, changer, person = make_superuser(), make_superuser(), make_user()
    role = Group.objects.create(name="Readers")
    find = approval.administrator_roles
    changes = []

    def change() -> Group:
        return change_role(
            role,
            by=changer,
            name="Readers",
            codenames={"manage_staff"},
            reason="x",
            requestable=False,
            sudo_minutes=None,
            approver=None,
        )

    with ThreadPoolExecutor(1) as pool:

        def find_later(roles: list[Group]) -> list[Group]:
            changes.append(start_and_wait(pool, change))
            return find(roles)

        monkeypatch.setattr(approval, "administrator_roles", find_later)
        add_roles(person, by=giver, groups=[role])
        with pytest.raises(VerbRefused) as refused:
            changes[0].result(timeout=60)
    assert refused.value.message == HOLDERS_REFUSAL
    assert role_names(person) == {"Readers"}


def test_a_role_is_deleted_while_its_holder_gets_another_one(monkeypatch):
    """The deletion locks the role and then its holders, one of whom the grant has locked."""
    giver, deleter, person = make_superuser(), make_superuser(), make_user()
    held, new = (Group.objects.create(name=name) for name in ("Readers", "Writers"))
    person.groups.add(held)
    lock = approval.lock_roles_for_grant
    deletions = []
    with ThreadPoolExecutor(1) as pool:

        def lock_later(ids: Iterable[int]) -> list[Group]:
            deletion = start_and_wait(pool, lambda: delete_role(held, by=deleter, reason="x"))
            deletions.append(deletion)
            return lock(ids)

        monkeypatch.setattr(approval, "lock_roles_for_grant", lock_later)
        assign_roles(person, by=giver, groups=[held, new], is_staff=False, is_superuser=False)
        deletions[0].result(timeout=60)
    assert role_names(person) == {"Writers"}
