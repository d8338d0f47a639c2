"""Two requests at the same moment: one wins, the other is told, and what must hold holds."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test import Client

from tests.account_rows import events, row
from tests.builders import make_superuser, make_user
from tests.threads import at_once, until_somebody_waits
from tests.verbs.verb_cases import CASES, VERSIONED, address, filled
from users import access
from users.exceptions import EditConflict, VerbRefused
from users.mail.models import Message
from users.models import State, User
from users.verbs.deletion.verb import delete_account
from users.verbs.invitation.verb import invite_user
from users.verbs.password_reset.verb import choose_password, send_password_reset
from users.verbs.profile.verb import edit_profile
from users.verbs.roles.verb import assign_roles
from users.verbs.suspension.verb import suspend_account
from users.verbs.verification_email.verb import send_verification

pytestmark = pytest.mark.django_db(transaction=True)
COMMAND = access.CommandActor("test")
REMOVALS = {
    "suspend": lambda account, by: suspend_account(account, by=by, reason="Coup"),
    "delete": lambda account, by: delete_account(account, by=by, reason="Coup"),
    "demote": lambda account, by: assign_roles(
        account, by=by, groups=[], is_staff=True, is_superuser=False
    ),
}


def keepers() -> int:
    return User.objects.in_state(State.ACTIVE).filter(is_superuser=True).count()


@pytest.mark.parametrize("second_removal", REMOVALS.values(), ids=REMOVALS)
@pytest.mark.parametrize("first_removal", REMOVALS.values(), ids=REMOVALS)
def test_the_last_two_superusers_cannot_remove_each_other(first_removal, second_removal):
    for _ in range(3):
        User.objects.filter(is_superuser=True).update(is_superuser=False)
        first = make_superuser()
        second = make_superuser()
        answers = at_once(
            lambda a=first, b=second: first_removal(a, b),
            lambda a=first, b=second: second_removal(b, a),
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["User", "VerbRefused"], (
            answers
        )
        assert keepers() == 1


@pytest.mark.parametrize("number", [3, 5])
def test_of_several_superusers_who_are_all_removed_at_once_one_stays(number):
    accounts = [make_superuser() for _ in range(number)]
    answers = at_once(
        *(lambda account=account: REMOVALS["suspend"](account, COMMAND) for account in accounts)
    )
    assert [type(answer) for answer in answers].count(VerbRefused) == 1
    assert keepers() == 1


@pytest.mark.postgresql
@pytest.mark.parametrize("removal", REMOVALS.values(), ids=REMOVALS)
def test_who_removes_a_superuser_waits_for_the_one_who_is_removing_another(removal):
    first = make_superuser()
    second = make_superuser()

    def other():
        try:
            return removal(first, second)
        except VerbRefused as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            removal(second, first)
            answer = pool.submit(other)
            until_somebody_waits()
        assert isinstance(answer.result(timeout=30), VerbRefused)
    assert keepers() == 1


@pytest.mark.parametrize("name", VERSIONED)
def test_of_two_changes_from_one_version_one_wins_and_the_other_is_stale(name):
    verb = VERSIONED[name]
    by = make_superuser()
    account = verb.target()
    answers = at_once(*[lambda: verb.ask(account, by=by, version=account.version)] * 2)
    merges = name in (
        "edit",
        "assign_roles",
        "assign_roles of staff",
    )  # the same change by two is one change
    assert sorted(type(answer).__name__ for answer in answers) == [
        "User" if merges else "EditConflict",
        "User",
    ], answers
    assert row(account)["version"] == account.version + 1
    assert len(events(account)) == 1


def test_two_saves_from_one_version_of_different_fields_both_stand():
    account = make_user(first_name="Ada")
    whole = {"first_name": "Ada", "last_name": "", "phone": "", "locale": ""}
    typed = [
        whole | {"phone": "12345"},
        whole | {"first_name": "Augusta"},
        whole | {"locale": "pt"},
    ]
    answers = at_once(
        *(
            lambda fields=fields: edit_profile(account, by=COMMAND, version=1, **fields)
            for fields in typed
        )
    )
    assert {type(answer) for answer in answers} == {User}, answers
    stored = row(account)
    assert (stored["first_name"], stored["phone"], stored["locale"], stored["version"]) == (
        "Augusta",
        "12345",
        "pt",
        4,
    )
    assert [event.target_version for event in events(account)] == [2, 3, 4]
    assert {name for event in events(account) for name in event.after} == {
        "first_name",
        "phone",
        "locale",
    }


def test_two_saves_from_one_version_of_the_same_field_one_stands_and_the_other_is_asked():
    account = make_user()
    typed = [
        {"first_name": "Augusta", "phone": "12345"},
        {"first_name": "Adelaide", "locale": "pt"},
    ]
    answers = at_once(
        *(
            lambda fields=fields: edit_profile(account, by=COMMAND, version=1, **fields)
            for fields in typed
        )
    )
    [stale] = [answer for answer in answers if isinstance(answer, EditConflict)]
    [done] = [answer for answer in answers if isinstance(answer, User)]
    [conflict] = stale.conflicts
    assert (conflict.name, conflict.original, conflict.theirs) == (
        "first_name",
        "",
        done.first_name,
    )
    assert {conflict.yours, conflict.theirs} == {"Augusta", "Adelaide"}
    stored = row(account)
    assert (stored["first_name"], stored["phone"], stored["locale"]) == (
        done.first_name,
        done.phone,
        done.locale,
    )
    assert (stored["version"], len(events(account))) == (2, 1)


def test_roles_that_two_people_give_at_once_are_all_there():
    account = make_user("Viewer")
    names = ["Support", "Auditor", "Manager"]
    viewer = set(account.groups.all())

    def give(name: str) -> User:
        groups = viewer | set(Group.objects.filter(name=name))
        return assign_roles(
            account, by=COMMAND, groups=groups, is_staff=True, is_superuser=False, version=1
        )

    answers = at_once(*(lambda name=name: give(name) for name in names))
    assert {type(answer) for answer in answers} == {User}, answers
    assert row(account)["groups"] == ["Auditor", "Manager", "Support", "Viewer"]


def test_of_many_edits_without_a_version_none_is_lost():
    account = make_user()
    wanted = dict.fromkeys(["first_name", "last_name", "phone"], "12345")
    wanted |= {"locale": "pt-BR", "time_zone": "Europe/Lisbon"}
    answers = at_once(
        *(
            lambda name=name: edit_profile(
                account, by=COMMAND, version=None, **{name: wanted[name]}
            )
            for name in wanted
        )
    )
    assert {type(answer) for answer in answers} == {User}, answers
    stored = row(account)
    assert {name: stored[name] for name in wanted} == wanted
    assert (stored["version"], len(events(account))) == (6, 5)
    assert [event.target_version for event in events(account)] == [2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("one", "other", "field"),
    [
        (
            {"username": "ann", "email": "a@example.com"},
            {"username": "ann", "email": "b@example.com"},
            "username",
        ),
        (
            {"username": "ann", "email": "a@example.com"},
            {"username": "bob", "email": "a@example.com"},
            "email",
        ),
    ],
)
def test_of_two_invitations_with_one_name_or_address_one_wins_and_the_other_is_told(
    one, other, field
):
    answers = at_once(
        lambda: invite_user(by=COMMAND, **one), lambda: invite_user(by=COMMAND, **other)
    )
    [error] = [answer for answer in answers if isinstance(answer, ValidationError)]
    assert list(error.message_dict) == [field]
    assert (User.objects.count(), Message.objects.count(), len(events())) == (1, 1, 1)


@pytest.mark.postgresql
@pytest.mark.parametrize(("field", "value"), [("username", "ann"), ("email", "ann@example.com")])
def test_a_name_that_somebody_takes_between_the_check_and_the_write_is_an_error_of_its_field(
    field, value
):
    account = make_user(username="bob")

    def take():
        try:
            return edit_profile(account, by=COMMAND, version=1, **{field: value})
        except ValidationError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            invite_user(by=COMMAND, username="ann", email="ann@example.com")
            answer = pool.submit(take)
            until_somebody_waits()  # past its check, at the unique index
        assert list(answer.result(timeout=30).message_dict) == [field]
    assert (row(account)["username"], row(account)["version"], events(account)) == ("bob", 1, [])


def test_two_acceptances_of_one_invitation_leave_an_active_account():
    account = make_user(status=State.INVITED)
    answers = at_once(
        lambda: choose_password(account, "first-passphrase"),
        lambda: choose_password(account, "second-one"),
    )
    assert {type(answer) for answer in answers} == {User}, answers
    assert row(account)["status"] == "active"
    assert [event.action for event in events(account)] == [
        "account.invitation_accepted",
        "account.password_changed",
    ]


@pytest.mark.parametrize("version", [1, None])
@pytest.mark.parametrize("number", [2, 5])
def test_suspend_clicks_at_once_make_one_event_and_one_mail(number, version):
    account = make_user()
    by = make_user("Support")
    answers = at_once(
        *[
            lambda: suspend_account(
                account, by=by, reason="Lost laptop", notify=True, version=version
            )
        ]
        * number
    )
    kinds = [type(answer).__name__ for answer in answers]
    assert sorted(kinds, key=lambda kind: kind != "User") == ["User"] + [
        "EditConflict" if version else "VerbRefused"
    ] * (number - 1)
    assert (len(events(account)), Message.objects.count(), row(account)["version"]) == (1, 1, 2)


@pytest.mark.parametrize("verb", [send_password_reset, send_verification])
def test_clicks_at_once_send_one_mail(verb):
    account = make_user()
    answers = at_once(*[lambda: verb(account, by=COMMAND)] * 3)
    assert sorted(type(answer).__name__ for answer in answers) == [
        "User",
        "VerbRefused",
        "VerbRefused",
    ], answers
    assert (len(events(account)), Message.objects.count()) == (1, 1)


CLICKS = [
    "suspend",
    "delete",
    "erase",
    "invite_again",
    "send_password_reset",
    "send_verification",
    "end_sessions",
]


@pytest.mark.parametrize("verb", CLICKS)
def test_two_clicks_at_once_are_one_change_one_event_and_one_mail(verb):
    """By two requests with a form that was opened once."""
    case = CASES[verb]
    root = make_superuser()
    account = make_user(**case.fields)
    made = case.fit(account, root)
    clients = [Client(), Client()]
    for client in clients:
        client.force_login(root)
    notify = {"notify": "on"} if verb == "suspend" else {}
    sent = filled(case, account) | notify
    path = address(case, account, made)
    answers = at_once(
        *(lambda client=client: client.post(path, sent).status_code for client in clients)
    )
    assert sorted(answers) == [302, 409]
    mails = verb in ("suspend", "invite_again", "send_password_reset", "send_verification")
    assert (len(events(account)), Message.objects.count()) == (1, int(mails))


def test_a_suspension_is_not_decided_on_an_account_that_was_edited_meanwhile():
    account = make_user()
    answers = at_once(
        lambda: suspend_account(account, by=COMMAND, reason="Lost laptop", version=1),
        lambda: edit_profile(account, by=COMMAND, version=1, first_name="Ann"),
    )
    stored = row(account)
    edited = stored["first_name"] == "Ann"
    assert edited == isinstance(answers[1], User)  # from before the suspension, it merges
    if isinstance(answers[0], EditConflict):
        assert (stored["status"], edited) == ("active", True)
    else:
        assert (stored["status"], edited, stored["version"]) == ("suspended", True, 3)
