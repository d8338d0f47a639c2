"""One query loads the account with everything around its tabs: pinned notes, and who changed its
state.
"""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from tests.builders import make_superuser, make_user
from tests.bulk.running import run
from tests.pages import read
from users.account.account_query import load_for_page
from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.models import User
from users.notes.changes import add_note
from users.permissions import load_permissions
from users.verbs.deletion.verb import delete_account
from users.verbs.end_date.verb import set_end_date
from users.verbs.erasure.verb import erase_account
from users.verbs.profile.verb import edit_profile
from users.verbs.reinstatement.verb import reinstate_account
from users.verbs.suspension.verb import suspend_account
from users.web.time_html import days_ago_html

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> User:
    return make_superuser(username="root")


def test_it_is_the_whole_account_by_one_query(django_assert_num_queries, root):
    ada = suspend_account(make_user(attributes={"plan": "free"}), by=root, reason="Spam")
    for number in range(3):
        add_note(ada, by=root, text=f"Call {number}: “ü”", pinned=True)
    add_note(ada, by=root, text="not pinned")
    with django_assert_num_queries(1):
        found = load_for_page(ada.pk)
        assert {
            field.attname: getattr(found, field.attname) for field in User._meta.concrete_fields
        } == {field.attname: getattr(ada, field.attname) for field in User._meta.concrete_fields}
        assert [(note.text, note.author_text, note.author_id) for note in found.pinned] == [
            (f"Call {number}: “ü”", "root", root.pk) for number in (2, 1, 0)
        ]
        assert found.pinned[0].created_at <= timezone.now()
        assert (found.state_author.id, found.state_author.name) == (root.pk, "root")
    assert found.state_author.at == AuditEvent.objects.get(action="account.suspended").at
    assert found.redaction_pending is False
    assert load_for_page(10**9) is None


def test_permissions_are_queried_for_accounts_that_have_some(django_assert_num_queries, root):
    nobody, member, granted = (make_user() for _ in range(3))
    member.groups.add(Group.objects.get(name="Viewer"))
    granted.user_permissions.add(Permission.objects.get(codename="suspend_user"))
    for account, queries in [(nobody, 1), (member, 2), (granted, 2)]:
        with django_assert_num_queries(queries):
            found = load_permissions(load_for_page(account.pk))
        assert found == load_permissions(account)
        assert bool(found.roles or found.own) == (queries == 2)


def test_an_account_that_nobody_has_brought_anywhere(root):
    found = load_for_page(make_user().pk)
    assert (found.pinned, found.state_author) == ([], None)
    assert (
        load_for_page(make_user(status="suspended").pk).state_author is None
    )  # it came so, from an import say
    ada = reinstate_account(suspend_account(make_user(), by=root, reason="Spam"), by=root)
    assert load_for_page(ada.pk).state_author is None


def test_an_end_that_is_yet_to_come_was_brought_by_nobody(root):
    ada = set_end_date(make_user(), by=root, until=timezone.now() + timedelta(days=1))
    assert load_for_page(ada.pk).state_author is None
    User.objects.filter(pk=ada.pk).update(valid_until=timezone.now() - timedelta(seconds=1))
    assert load_for_page(ada.pk).state_author.name == "root"


def suspended(root: User) -> User:
    return suspend_account(make_user(), by=root, reason="Spam")


def suspended_by_a_job(root: User) -> User:
    ada = make_user()
    run("suspension", [ada], by=root)
    return ada


def deleted(root: User) -> User:
    return delete_account(make_user(), by=root, reason="Spam")


def erased(root: User) -> User:
    return erase_account(make_user(), by=root, reason="Request 17")


@pytest.mark.parametrize("bring", [suspended, suspended_by_a_job, deleted, erased])
def test_every_tab_says_who_it_was_and_how_long_ago(client, root, bring):
    ada = bring(root)
    client.force_login(make_user("Viewer"))
    for path in ("", "notes/", "doctor/"):
        line = read(client.get(f"/users/{ada.pk}/{path}")).one("div", class_="notes").text
        assert "by root, today" in line, path


def test_the_newest_counts_and_what_others_did_later_does_not(root):
    ada = make_user()
    eve = make_superuser(username="eve")
    ada = suspend_account(ada, by=root, reason="Spam")
    ada = suspend_account(reinstate_account(ada, by=root), by=eve, reason="Spam again")
    edit_profile(ada, by=root, version=None, phone="+15550001234")
    assert load_for_page(ada.pk).state_author.name == "eve"


def test_what_was_very_long_ago_is_not_looked_for(root):
    ada = suspended(root)
    for _ in range(200):
        record_event("account.edited", actor=root, target=ada)
    assert load_for_page(ada.pk).state_author is None


@pytest.mark.parametrize(
    ("days", "says"), [(0, "today"), (1, "yesterday"), (3, "3 days ago"), (59, "59 days ago")]
)
def test_how_long_ago_it_was(days, says):
    assert f">{says}</time>" in days_ago_html(timezone.now() - timedelta(days=days))


def test_what_was_long_ago_has_its_day():
    assert ">on 1 Mar 2020</time>" in days_ago_html(datetime(2020, 3, 1, 12, tzinfo=UTC))
