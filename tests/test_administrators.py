"""A few administrators always remain. DEMOTION_ROUNDS=200 lets two superusers demote each other so
often.
"""

import os
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType

from tests.builders import make_superuser, make_user
from tests.bulk.running import run
from tests.threads import at_once
from users.access import CommandActor
from users.administrators import (
    approval_required,
    is_administrator,
    permanent_administrators,
)
from users.database.clock import current_time
from users.exceptions import VerbRefused
from users.models import User
from users.role_models import AdministratorDecrease, RoleRequest
from users.verbs.deletion.verb import delete_account
from users.verbs.end_date.verb import set_end_date
from users.verbs.erasure.verb import erase_account
from users.verbs.role_addition.verb import add_roles
from users.verbs.role_removal.verb import remove_roles
from users.verbs.roles.verb import assign_roles
from users.verbs.suspension.verb import suspend_account

ROUNDS = int(os.environ.get("DEMOTION_ROUNDS", "10"))
FAR = datetime(2999, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def two_remain(settings):
    settings.MINIMUM_ADMINISTRATORS = 2


def demote(account, *, by):
    assign_roles(account, by=by, groups=[], is_staff=False, is_superuser=False)


def strip(account, *, by):
    remove_roles(account, by=by, groups=[Group.objects.get(name="Administrator")])


WAYS = {
    "demotion": demote,
    "removal of the role": strip,
    "suspension": lambda account, by: suspend_account(account, by=by, reason="Left"),
    "deletion": lambda account, by: delete_account(account, by=by, reason="Left"),
    "erasure": lambda account, by: erase_account(account, by=by, reason="Request 7"),
}


@pytest.mark.django_db
@pytest.mark.sqlite
@pytest.mark.parametrize("way", WAYS)
def test_one_of_the_last_two_administrators_stays(way):
    root = make_superuser()
    first = make_user("Administrator")
    second = make_user("Administrator")
    WAYS[way](first, by=root)
    with pytest.raises(VerbRefused, match="At least 2 administrators must remain"):
        WAYS[way](second, by=root)
    second.refresh_from_db()
    assert is_administrator(second)
    # A person with a shell on the server is not kept from it, in an emergency.
    WAYS[way](second, by=CommandActor("bulk"))
    assert list(permanent_administrators()) == [root]


@pytest.mark.django_db
@pytest.mark.sqlite
def test_an_administrator_with_an_end_does_not_count():
    root = make_superuser()
    first, second = make_user("Administrator"), make_user("Administrator")
    set_end_date(first, by=root, until=FAR)
    with pytest.raises(VerbRefused, match="At least 2"):
        demote(second, by=root)


@pytest.mark.django_db
@pytest.mark.sqlite
def test_nobody_gets_out_of_an_approval_by_suspending_a_colleague_first(settings):
    settings.ADMINISTRATOR_APPROVAL = "auto"
    root = make_superuser()
    first, friend = make_user("Administrator"), make_user("Viewer", is_staff=True)
    make_user("Administrator")
    suspend_account(first, by=root, reason="Left")
    assert permanent_administrators().count() == 2
    add_roles(friend, by=root, groups=[Group.objects.get(name="Administrator")])
    assert not is_administrator(friend)
    assert RoleRequest.objects.get().account_id == friend.pk
    AdministratorDecrease.objects.update(at=current_time() - timedelta(days=31))
    assert not approval_required()


@pytest.mark.django_db
@pytest.mark.sqlite
def test_a_bulk_suspension_of_administrators_is_remembered_too(settings):
    settings.ADMINISTRATOR_APPROVAL = "auto"
    root = make_superuser()
    others = [make_user("Administrator") for _ in range(2)]
    assert run("suspension", others, by=root).changed == 1
    assert approval_required()


@pytest.mark.django_db
@pytest.mark.sqlite
def test_a_permission_of_another_application_makes_no_administrator():
    content_type = ContentType.objects.get(app_label="auth", model="group")
    same_name = Permission.objects.create(
        codename="manage_staff", content_type=content_type, name="x"
    )
    person = make_user(is_staff=True)
    person.user_permissions.add(same_name)
    assert not is_administrator(person)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_superusers_who_demote_each_other_at_once_do_not_both_go():
    for _ in range(ROUNDS):
        others = [make_user("Administrator"), make_user("Administrator")]
        pair = [make_superuser(), make_superuser()]
        results = at_once(
            partial(demote, pair[0], by=pair[1]),
            partial(demote, pair[1], by=pair[0]),
        )
        assert User.objects.filter(is_superuser=True).count() == 1, results
        User.objects.filter(pk__in=[each.pk for each in (*pair, *others)]).update(
            is_superuser=False, is_staff=False
        )
