"""Inviting: a new account that waits for its owner, and the mail to it."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django_q.models import OrmQ

from tests.account_rows import events, events_refused
from tests.builders import make_superuser, make_user
from users import access
from users.mail.models import Message
from users.models import State, User
from users.verbs.invitation.verb import invite_user

pytestmark = pytest.mark.django_db
ANN = {"username": "ann", "email": "ann@example.com", "first_name": "Ann", "last_name": "Lee"}


def roles(*names: str) -> list[Group]:
    return list(Group.objects.filter(name__in=names))


def test_an_invitation_makes_an_account_that_waits_a_mail_and_an_event():
    by = make_user("Manager")
    account = invite_user(by=by, **ANN)
    stored = User.objects.get(username="ann")
    assert stored == account
    assert (stored.state, stored.version, stored.is_staff, stored.has_usable_password()) == (
        State.INVITED,
        1,
        False,
        False,
    )
    assert stored.search_key == "ann\nann@example.com\nann lee\nlee ann"
    [message] = Message.objects.all()
    assert (message.account, message.kind, message.to, message.state) == (
        stored,
        "invitation",
        "ann@example.com",
        "waiting",
    )
    assert [ring.key for ring in OrmQ.objects.all()] == ["notify"]
    [event] = events()
    assert (event.action, event.actor_id, event.target_id, event.target_version) == (
        "account.invited",
        by.pk,
        stored.pk,
        1,
    )
    assert event.before == {}
    assert event.after == ANN | {
        "status": "invited",
        "is_staff": False,
        "is_superuser": False,
        "groups": [],
    }


def test_what_is_typed_is_stored_in_normal_form():
    account = invite_user(
        by=access.CommandActor("test"),
        username=" ＡＮＮ",
        email="Ann@Example.COM ",
        first_name="Zoe\u0308 ",
    )
    assert (account.username, account.email, account.first_name) == (
        "ann",
        "Ann@example.com",
        "Zoë",
    )


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"username": ""}, "username"),
        ({"username": "a\u200bnn"}, "username"),
        ({"email": ""}, "email"),
        ({"email": "ann@b.co, e@evil.com"}, "email"),
        ({"first_name": "An\x00n"}, "first_name"),
        ({"last_name": "Le\ud800e"}, "last_name"),
        ({"phone": "call me"}, "phone"),
    ],
)
def test_bad_input_is_an_error_of_its_field_and_nothing_is_written(wrong, field):
    with pytest.raises(ValidationError) as caught:
        invite_user(by=access.CommandActor("test"), **(ANN | wrong))
    assert list(caught.value.message_dict) == [field]
    assert not User.objects.exists()
    assert not Message.objects.exists()
    assert not events()


@pytest.mark.parametrize(
    ("wanted", "errors"),
    [
        ({"username": "bob"}, {"username": ["This username is taken."]}),
        ({"username": "ＢＯＢ"}, {"username": ["This username is taken."]}),
        ({"email": "BOB@example.com"}, {"email": ["Another account has this address."]}),
        (
            {"username": "bob", "email": "bob@example.com"},
            {
                "username": ["This username is taken."],
                "email": ["Another account has this address."],
            },
        ),
    ],
)
def test_a_username_and_an_address_belong_to_one_account(wanted, errors):
    make_user(username="bob")
    with pytest.raises(ValidationError) as caught:
        invite_user(by=access.CommandActor("test"), **(ANN | wanted))
    assert caught.value.message_dict == errors
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("existing", "wanted"),
    [("paypal", "раypal"), ("раypal", "paypal"), ("раypal", "pаypаl"), ("scope", "ѕсоре")],
)
def test_a_username_that_looks_like_an_existing_one_is_refused_whichever_came_first(
    existing, wanted
):
    make_user(username=existing, email="")
    with pytest.raises(ValidationError) as caught:
        invite_user(by=access.CommandActor("test"), **(ANN | {"username": wanted}))
    assert f"too similar to the username “{existing}”" in caught.value.message_dict["username"][0]


def test_a_username_that_is_an_address_is_the_accounts_own():
    with pytest.raises(ValidationError, match="must be the account’s own address"):
        invite_user(by=access.CommandActor("test"), **(ANN | {"username": "boss@example.com"}))
    assert invite_user(by=access.CommandActor("test"), **(ANN | {"username": "ann@example.com"})).pk


def test_who_may_not_invite_is_denied_and_nothing_is_written():
    with pytest.raises(access.Denied) as caught:
        invite_user(by=make_user("Support"), **ANN)
    assert caught.value.permission == "users.invite_user"
    assert not User.objects.filter(username="ann").exists()
    assert not events()


@pytest.mark.parametrize(
    "rights", [{"is_staff": True}, {"is_superuser": True}, {"groups": ["Viewer"]}]
)
def test_inviting_with_rights_takes_the_permission_to_assign_them(rights):
    rights = rights | {"groups": roles(*rights.get("groups", []))}
    with pytest.raises(access.Denied) as caught:
        invite_user(by=make_user("Manager"), **rights, **ANN)
    assert (caught.value.action, caught.value.permission) == ("assign_roles", "users.assign_roles")
    assert not User.objects.filter(username="ann").exists()


def test_nobody_invites_somebody_with_rights_that_they_do_not_have():
    by = make_user("Manager")
    by.user_permissions.add(
        *Permission.objects.filter(codename__in=["assign_roles", "manage_staff"])
    )
    assert (
        invite_user(by=by, groups=roles("Manager"), is_staff=True, **ANN).groups.get().name
        == "Manager"
    )
    bob = {"username": "bob", "email": "bob@example.com"}
    Group.objects.get(name="Viewer").permissions.add(Permission.objects.get(codename="add_group"))
    for rights in ({"groups": roles("Viewer")}, {"is_superuser": True}):
        with pytest.raises(access.Denied):
            invite_user(by=by, is_staff=True, **rights, **bob)
    assert not User.objects.filter(username="bob").exists()


def test_a_superuser_who_is_invited_is_staff():
    account = invite_user(by=make_superuser(), is_superuser=True, **ANN)
    assert account.is_staff
    assert account.is_superuser
    assert events()[-1].after["is_staff"] is True


def test_without_its_event_there_is_no_account_no_mail_and_no_ring():
    with events_refused(), pytest.raises(IntegrityError, match="full_disk"):
        invite_user(by=access.CommandActor("test"), **ANN)
    assert not User.objects.exists()
    assert not Message.objects.exists()
    assert not OrmQ.objects.exists()
