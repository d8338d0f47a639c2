"""Roles: exactly those that are named."""

import pytest
from django.contrib.auth.models import Group, Permission

from tests.account_rows import events, row
from tests.builders import make_superuser, make_user
from users import access
from users.exceptions import VerbRefused
from users.models import State
from users.verbs.roles.verb import assign_roles

pytestmark = pytest.mark.django_db
COMMAND = access.CommandActor("test")


def assign(account, *names: str, is_staff: bool = True, is_superuser: bool = False, **kwargs):
    groups = Group.objects.filter(name__in=names)
    assert len(groups) == len(names)
    return assign_roles(
        account,
        groups=groups,
        is_staff=is_staff,
        is_superuser=is_superuser,
        **({"by": COMMAND} | kwargs),
    )


def test_an_account_has_exactly_the_roles_that_are_named():
    account = make_user("Support")
    account.groups.add(Group.objects.get(name="Viewer"))
    assign(account, "Support", "Auditor", by=make_user("Administrator"))
    assert row(account)["groups"] == ["Auditor", "Support"]
    [event] = events(account)
    assert event.before == {"groups": ["Support", "Viewer"]}
    assert event.after == {"groups": ["Auditor", "Support"]}


def test_staff_and_superuser_are_rights_like_roles():
    make_superuser()
    account = make_user()
    assign(account, is_superuser=True, is_staff=False)
    assert (row(account)["is_staff"], row(account)["is_superuser"]) == (True, True)
    assign(account, is_staff=False)
    assert (row(account)["is_staff"], row(account)["is_superuser"]) == (False, False)
    assert events(account)[1].before == {"is_staff": True, "is_superuser": True}


def test_the_same_rights_again_write_nothing():
    account = make_user("Support")
    before = row(account)
    assign(account, "Support")
    assert (row(account), events()) == (before, [])


def test_nobody_grants_what_they_do_not_have_and_the_roles_stay():
    lead = make_user("Support")
    lead.user_permissions.add(
        *Permission.objects.filter(codename__in=["assign_roles", "manage_staff"])
    )
    account = make_user("Viewer")
    before = row(account)
    with pytest.raises(access.Denied, match="someone with these permissions can grant") as caught:
        assign(account, "Support", "Manager", by=lead)
    denied = caught.value
    assert (denied.action, denied.permission, denied.target) == (
        "assign_roles",
        "users.approve_bulk",
        account,
    )
    assert (row(account), events()) == (before, [])
    assert assign(account, "Support", by=lead).groups.get().name == "Support"


def test_rights_that_slept_are_not_woken_by_somebody_who_lacks_them():
    """A former auditor kept the role without being staff; making them staff would grant it."""
    lead = make_user("Support")
    lead.user_permissions.add(
        *Permission.objects.filter(codename__in=["assign_roles", "manage_staff"])
    )
    former = make_user("Auditor", is_staff=False)
    with pytest.raises(access.Denied, match="all permissions of this account"):
        assign(former, "Auditor", by=lead)


def test_nobody_changes_their_own_roles():
    for actor in (make_superuser(), make_user("Administrator")):
        with pytest.raises(access.Denied, match="their own account"):
            assign(actor, "Administrator", by=actor)


def test_only_a_superuser_makes_one_and_demotes_one():
    make_superuser()
    administrator = make_user("Administrator")
    account = make_user()
    root = make_superuser()
    with pytest.raises(access.Denied, match="Only a superuser"):
        assign(account, is_superuser=True, by=administrator)
    with pytest.raises(access.Denied, match="Only a superuser"):
        assign(root, by=administrator)
    promoted = assign(account, is_superuser=True, by=root)
    assert promoted.is_superuser
    assert not assign(root, by=promoted).is_superuser


def test_the_last_active_superuser_cannot_be_demoted_by_anybody():
    make_superuser(status=State.SUSPENDED)
    last = make_superuser()
    before = row(last)
    with pytest.raises(VerbRefused, match="last active superuser"):
        assign(last, "Viewer")
    assert (row(last), events()) == (before, [])


def test_the_last_superuser_may_get_another_role():
    assert assign(make_superuser(), "Auditor", is_superuser=True).groups.get().name == "Auditor"


def test_an_account_that_is_gone_gets_no_roles():
    account = make_user(status=State.DELETED, deleted_at="2026-01-01T00:00Z")
    with pytest.raises(VerbRefused):
        assign(account, "Viewer")
    assert row(account)["groups"] == []
