"""Editing a profile, one's own and another's."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError

from tests.account_rows import events, row
from tests.builders import make_superuser, make_user
from users import access
from users.exceptions import EditConflict, VerbRefused
from users.history import edit_merge
from users.models import State
from users.verbs.profile.verb import edit_own_profile, edit_profile

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
COMMAND = access.CommandActor("test")


def test_new_values_are_stored_and_the_event_holds_the_old_and_the_new_ones():
    account = make_user(username="ann", first_name="Ann", phone="+123")
    edit_profile(
        account,
        by=make_user("Support"),
        version=1,
        first_name="Anna",
        last_name="Lee",
        phone="+123",
        locale="pt",
    )
    stored = row(account)
    assert (stored["first_name"], stored["last_name"], stored["locale"], stored["version"]) == (
        "Anna",
        "Lee",
        "pt",
        2,
    )
    assert stored["search_key"] == "ann\nann@example.com\nanna lee\nlee anna\n+123"
    [event] = events(account)
    assert event.before == {"first_name": "Ann", "last_name": "", "locale": ""}
    assert event.after == {"first_name": "Anna", "last_name": "Lee", "locale": "pt"}


def test_where_nothing_changes_nothing_is_written():
    account = make_user(username="ann", first_name="Zoë")
    before = row(account)
    edit_profile(
        account,
        by=COMMAND,
        version=1,
        username="ＡＮＮ",
        email=" ann@EXAMPLE.com",
        first_name=" Zoe\u0308",
    )
    assert (row(account), events()) == (before, [])


def test_a_new_address_is_an_unverified_one():
    account = make_user(username="ann", email_verified_at=NOON)
    edit_profile(account, by=COMMAND, version=1, email="ann@other.example")
    stored = row(account)
    assert (stored["email"], stored["email_domain"], stored["email_verified_at"]) == (
        "ann@other.example",
        "other.example",
        None,
    )
    [event] = events(account)
    assert event.before == {"email": "ann@example.com", "email_verified_at": "2026-03-01T12:00:00Z"}
    assert event.after == {"email": "ann@other.example", "email_verified_at": None}


def test_the_same_address_stays_verified():
    account = make_user(username="ann", email_verified_at=NOON)
    edit_profile(account, by=COMMAND, version=1, email="ANN@example.com", first_name="Ann")
    assert row(account)["email_verified_at"] == NOON


def test_an_account_may_lose_its_address():
    account = make_user(username="ann")
    edit_profile(account, by=COMMAND, version=1, email="")
    assert (row(account)["email"], row(account)["email_domain"]) == ("", "")


def test_somebody_elses_name_is_an_error_of_its_field_and_nothing_changes():
    make_user(username="bob")
    account = make_user(username="ann")
    before = row(account)
    with pytest.raises(ValidationError) as caught:
        edit_profile(
            account,
            by=COMMAND,
            version=1,
            username="BOB",
            email="bob@example.com",
            first_name="Kept?",
        )
    assert set(caught.value.message_dict) == {"username", "email"}
    assert (row(account), events()) == (before, [])


def test_an_account_may_keep_a_username_that_looks_like_another():
    """It was there before the rule, or came from an import: its other fields must still be
    editable.
    """
    make_user(username="paypal")
    account = make_user(username="раypal", email="")
    assert (
        edit_profile(account, by=COMMAND, version=1, username="раypal", first_name="Ann").first_name
        == "Ann"
    )


@pytest.mark.parametrize(
    "fields",
    [{"status": State.DELETED, "deleted_at": NOON}, {"status": State.ERASED, "deleted_at": NOON}],
)
def test_an_account_that_is_gone_is_not_edited(fields):
    account = make_user(**fields)
    with pytest.raises(VerbRefused, match="can’t be changed"):
        edit_profile(account, by=COMMAND, version=1, first_name="Ann")
    assert not events()


def test_only_the_profile_is_edited():
    for change in ({"is_superuser": True}, {"status": "active"}, {"password": "x"}):
        with pytest.raises(ValueError, match="not fields of the profile"):
            edit_profile(make_user(), by=COMMAND, version=1, **change)


def test_a_superuser_is_edited_by_a_superuser():
    root = make_superuser()
    with pytest.raises(access.Denied):
        edit_profile(root, by=make_user("Administrator"), version=1, email="mine@example.com")
    assert (
        edit_profile(root, by=make_superuser(), version=1, first_name="Root").first_name == "Root"
    )


# --- one's own ------------------------------------------------------------------------------------


def test_people_change_their_own_names_without_any_permission():
    account = make_user(username="ann")
    edit_own_profile(account, version=1, first_name="Ann", time_zone="Europe/Lisbon")
    assert (row(account)["first_name"], row(account)["version"]) == ("Ann", 2)
    [event] = events(account)
    assert (event.action, event.actor_id, event.after) == (
        "account.edited",
        account.pk,
        {"first_name": "Ann", "time_zone": "Europe/Lisbon"},
    )


@pytest.mark.parametrize("change", [{"username": "boss"}, {"email": "boss@example.com"}])
def test_people_do_not_change_their_own_identifiers(change):
    account = make_user(username="ann")
    with pytest.raises(ValueError, match="not fields of the profile"):
        edit_own_profile(account, version=1, **change)
    assert row(account)["username"] == "ann"


def test_ones_own_old_form_merges_too_and_objects_where_somebody_changed_the_same():
    account = make_user()
    edit_profile(account, by=COMMAND, version=1, phone="+123")
    assert edit_own_profile(account, version=1, first_name="Ann", phone="").phone == "+123"
    with pytest.raises(EditConflict) as caught:
        edit_own_profile(account, version=1, phone="+456", locale="pt")
    [conflict] = caught.value.conflicts
    assert (conflict.name, conflict.original, conflict.yours, conflict.theirs) == (
        "phone",
        "",
        "+456",
        "+123",
    )
    assert (conflict.known, conflict.actor_text) == (True, "command test")
    assert caught.value.settled == {"phone": "+456", "locale": "pt"}


def test_a_history_that_is_too_long_to_read_is_asked_about(monkeypatch):
    account = make_user()
    for number in range(3):
        edit_profile(account, by=COMMAND, version=None, phone=f"1234{number}")
    assert (
        edit_profile(account, by=COMMAND, version=1, first_name="Ann", phone="").first_name == "Ann"
    )
    monkeypatch.setattr(edit_merge, "MAX_EVENTS", 2)
    with pytest.raises(EditConflict) as caught:
        edit_profile(account, by=COMMAND, version=1, first_name="Eve", phone="")
    assert [(conflict.name, conflict.known) for conflict in caught.value.conflicts] == [
        ("first_name", False),
        ("phone", False),
    ]


def test_a_username_that_is_the_old_address_has_to_follow_the_new_one():
    admin = make_superuser()
    account = make_user(username="ann@example.com", email="ann@example.com")
    with pytest.raises(ValidationError) as refused:
        edit_profile(account, by=admin, version=1, email="ann@example.net")
    assert "username" in refused.value.message_dict
    moved = edit_profile(
        account, by=admin, version=1, email="ann@example.net", username="ann@example.net"
    )
    assert (moved.username, moved.email) == ("ann@example.net", "ann@example.net")
