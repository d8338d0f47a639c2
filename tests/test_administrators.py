"""A few administrators always remain."""

from datetime import UTC, datetime
from functools import partial

import pytest
from django.contrib.auth.models import Group

from tests.builders import make_superuser, make_user
from tests.threads import at_once
from users.access import CommandActor
from users.administrators import is_administrator, permanent_administrators
from users.exceptions import VerbRefused
from users.models import User
from users.verbs.deletion.verb import delete_account
from users.verbs.end_date.verb import set_end_date
from users.verbs.erasure.verb import erase_account
from users.verbs.role_removal.verb import remove_roles
from users.verbs.roles.verb import assign_roles
from users.verbs.suspension.verb import suspend_account

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


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_superusers_who_demote_each_other_at_once_do_not_both_go():
    for _ in range(10):
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
