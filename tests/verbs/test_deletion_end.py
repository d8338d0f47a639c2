"""GET and POST /users/<id>/deletion/end/"""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from tests.account_rows import events, row
from tests.answers import errors_of
from tests.builders import PASSWORD, make_superuser, make_user
from tests.ladder import climb
from tests.pages import form, read
from users.exceptions import VerbRefused
from users.models import User
from users.verbs.deletion.verb import delete_account
from users.verbs.end_date.verb import set_end_date
from users.verbs.end_date_removal.verb import clear_end_date
from users.verbs.password_change.verb import require_password_change
from users.verbs.password_reset.verb import choose_password, send_password_reset
from users.verbs.profile.verb import edit_profile
from users.verbs.restoration.verb import restore_account
from users.verbs.roles.verb import assign_roles
from users.verbs.second_factor_reset.verb import reset_second_factor
from users.verbs.verification.verb import verify_email
from users.verbs.verification_email.verb import send_verification

pytestmark = pytest.mark.django_db
END = datetime(2999, 1, 31, 12, 30, tzinfo=UTC)
CHANGED = {"version", "updated_at", "session_epoch"}
STATES = {
    "active": {
        "password": PASSWORD,
        "email_verified_at": END,
        "has_second_factor": True,
        "must_change_password": True,
    },
    "active without a password": {},
    "invited": {"status": "invited"},
    "suspended": {"status": "suspended", "status_reason": "Spam"},
    "suspended until": {
        "status": "suspended",
        "status_reason": "Spam",
        "suspended_until": END,
        "valid_until": END,
    },
    "ended": {"valid_until": datetime(2020, 1, 1, tzinfo=UTC)},
}


def path(account) -> str:
    return f"/users/{account.pk}/deletion/end/"


def test_a_manager_restores_an_account_from_its_page(client):
    manager = make_user("Manager")
    ada = make_user()
    client.force_login(manager)
    delete_account(ada, by=manager, reason="x")
    link = read(client.get(f"/users/{ada.pk}/")).one("a", href=path(ada))
    assert link.text == "Restore"
    sent = form(client.get(path(ada)), path(ada))
    assert sent == {"version": "2", "reason": "", "ticket": ""}
    response = client.post(path(ada), sent | {"reason": "Was a mistake"}, follow=True)
    assert "restored. Status: active." in read(response).one("p", class_="note success").text
    event = events(ada)[-1]
    assert (event.action, event.actor_id, event.reason) == (
        "account.restored",
        manager.pk,
        "Was a mistake",
    )


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", ["plain", "Administrator", "superuser"])
def test_a_restore_brings_everything_back_as_it_was(state, kind):
    root = make_superuser()
    fields = STATES[state]
    account = {
        "plain": lambda: make_user(**fields),
        "Administrator": lambda: make_user("Administrator", **fields),
        "superuser": lambda: make_superuser(**fields),
    }[kind]()
    account.user_permissions.add(Permission.objects.get(codename="view_job"))
    before = row(account)
    stood = User.objects.get(pk=account.pk).state
    delete_account(account, by=root, reason="x")
    gone = User.objects.get(pk=account.pk)
    assert (gone.state, gone.is_active, gone.get_all_permissions()) == ("deleted", False, set())
    restore_account(account, by=root)
    after = row(account)
    assert {name for name in before if before[name] != after[name]} == CHANGED
    assert User.objects.get(pk=account.pk).state == stood
    assert list(
        User.objects.get(pk=account.pk).user_permissions.values_list("codename", flat=True)
    ) == ["view_job"]


def test_a_suspension_that_ran_out_in_the_bin_is_over(monkeypatch):
    root = make_superuser()
    account = make_user(status="suspended", suspended_until=END)
    delete_account(account, by=root, reason="x")
    monkeypatch.setattr("django.utils.timezone.now", lambda: END)
    assert restore_account(account, by=root).state == "active"


@pytest.mark.parametrize(
    ("fields", "status"), [({}, "invited"), ({"password": PASSWORD}, "active")]
)
def test_an_account_that_came_deleted_is_as_if_it_were_new(fields, status):
    account = make_user(status="deleted", deleted_at=timezone.now(), **fields)
    assert restore_account(account, by=make_superuser()).status == status


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "This account is active, not deleted."),
        ({"status": "suspended"}, "This account is suspended, not deleted."),
        (
            {"status": "erased", "deleted_at": timezone.now()},
            "This account is erased and can’t be restored.",
        ),
    ],
)
def test_only_what_is_in_the_bin_is_restored(client, fields, says):
    client.force_login(make_user("Manager"))
    ada = make_user(**fields)
    response = client.post(path(ada), {"version": 1})
    assert response.status_code == 409
    assert says in errors_of(response)
    assert events(ada) == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda account, by: edit_profile(account, by=by, version=None, phone="12345"),
        lambda account, by: assign_roles(
            account, by=by, groups=[], is_staff=True, is_superuser=False
        ),
        lambda account, by: set_end_date(account, by=by, until=END),
        lambda account, by: clear_end_date(account, by=by),
        lambda account, by: reset_second_factor(account, by=by, reason="x"),
        lambda account, by: require_password_change(account, by=by),
        lambda account, by: send_password_reset(account, by=by),
        lambda account, by: verify_email(account, by=by, reason="x"),
        lambda account, by: send_verification(account, by=by),
        lambda account, by: choose_password(account, PASSWORD),
    ],
)
@pytest.mark.parametrize("status", ["deleted", "erased"])
def test_a_verb_on_an_account_that_is_gone_is_a_clear_refusal(status, ask):
    account = make_user(
        status=status,
        deleted_at=timezone.now(),
        has_second_factor=True,
        valid_until=END,
        password=PASSWORD,
    )
    before = row(account)
    with pytest.raises(VerbRefused, match=f"This account is {status} and can’t be changed"):
        ask(account, make_superuser())
    assert (row(account), events()) == (before, [])


def test_the_ladder(client):
    climb(
        client,
        "/users/{}/deletion/end/",
        "restore",
        "users.restore_user",
        {"reason": "x"},
        without="Support",
        status="deleted",
        deleted_at=timezone.now(),
    )
