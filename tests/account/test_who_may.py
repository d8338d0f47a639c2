"""Every verb, by every role, towards every kind of account: what the verb does and what its address answers.

A new verb, a new address below /users/<id>/ or a new action makes a test here fail until it stands in the table.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.cache import caches
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from tests.builders import PASSWORD, make_superuser, make_user
from users import access
from users.account import verbs
from users.account.errors import Refused
from users.account.models import Note
from users.audit.models import AuditEvent
from users.models import User
from users.staff import throttle
from users.staff.models import Session

pytestmark = pytest.mark.django_db
LATER = datetime(2999, 1, 31, 12, 30, tzinfo=UTC)
GONE = datetime(2020, 1, 1, tzinfo=UTC)

ROLES = ["Viewer", "Support", "Manager", "Auditor", "Administrator", "superuser", "nobody"]
TARGETS = ["ordinary", "staff", "superuser", "oneself", "last superuser"]
# One letter for each role, in the order of ROLES (V S M U A R n): + does it, - is denied, ! may but is refused.
#                      an ordinary  a member of   another                  the last active
#                      account      staff         superuser    oneself     superuser
TABLE = {
    "edit":                   "-++-++-   ----++-   -----+-   -++-++-   -----+-",
    "edit one field":         "-++-++-   ----++-   -----+-   -++-++-   -----+-",
    "put_back":               "-++-++-   ----++-   -----+-   -++-++-   -----+-",
    "assign_roles":           "----++-   ----++-   -----+-   -------   -----!-",
    "add_to_groups":          "--+-++-   ----++-   -----+-   -------   -----+-",
    "remove_from_groups":     "--+-++-   ----++-   -----+-   -------   -----+-",
    "invite_again":           "--+-++-   ----++-   -----+-",
    "suspend":                "-++-++-   ----++-   -----+-   -------   -----!-",
    "reinstate":              "-++-++-   ----++-   -----+-   -------",
    "set_end_date":           "--+-++-   ----++-   -----+-   -------   -----!-",
    "clear_end_date":         "--+-++-   ----++-   -----+-   -------",
    "delete":                 "--+-++-   ----++-   -----+-   -------   -----!-",
    "restore":                "--+-++-   ----++-   -----+-",
    "erase":                  "----++-   ----++-   -----+-   -------   -----!-",
    "send_password_reset":    "-++-++-   ----++-   -----+-   -------   -----+-",
    "require_password_change": "-++-++-   ----++-   -----+-   -------   -----+-",
    "verify_email":           "-++-++-   ----++-   -----+-   -------   -----+-",
    "send_verification":      "-++-++-   ----++-   -----+-   -------   -----+-",
    "reset_second_factor":    "----++-   ----++-   -----+-   -------   -----+-",
    "end_session":            "-++-++-   ----++-   -----+-   -++-++-   -----+-",
    "end_sessions":           "-++-++-   ----++-   -----+-   -++-++-   -----+-",
    "end_lockout":            "-++-++-   ----++-   -----+-   -++-++-   -----+-",
    "add_note":               "-++-++-   ----++-   -----+-   -++-++-   -----+-",
    "pin_note":               "-++-++-   ----++-   -----+-   -++-++-   -----+-",
    "edit_note":              "-++-++-   ----++-   -----+-   -++-++-   -----+-",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """`ask(account, by)` is the verb, `path` its address, to which `sent` goes. `fields`: of accounts that it fits; `make`:
    what else there must be, whose id the address and the verb take."""

    ask: Callable[..., Any]
    path: str
    sent: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    make: Callable[[User, User], Any] = lambda account, by: None


def groups(name: str = "Beta") -> list[Group]:
    return [Group.objects.get_or_create(name=name)[0]]


def join(account: User, by: User) -> None:
    account.groups.add(*groups())


def session(account: User, by: User) -> Session:
    Client().force_login(account)
    return Session.objects.filter(account_id=account.pk).latest("created_at")


def note(account: User, by: User) -> Note:
    return Note.objects.create(account=account, author_id=by.pk, author_text=by.username, text="Rang")


def lock_out(account: User, by: User) -> None:
    """As after so many failures just now."""
    caches["default"].set_many({key: [time.time()] * rate.amount for key, rate in throttle.keys(account).items()})


def was_called_ann(account: User, by: User) -> None:
    AuditEvent.objects.create(
        at=GONE + timedelta(days=1), target_id=account.pk, action="account.edited", before={"first_name": "Ann"},
        after={"first_name": account.first_name},
    )  # fmt: skip


PROFILE = {"email": "", "first_name": "Ann", "last_name": "", "phone": "", "locale": "", "time_zone": ""}
CASES = {
    "edit": Case(lambda account, by: verbs.edit(account, by=by, version=1, first_name="Ann"), "edit/", PROFILE),
    "edit one field": Case(
        lambda account, by: verbs.edit(account, by=by, version=1, first_name="Ann"), "edit/first_name/", {"first_name": "Ann"}
    ),
    "put_back": Case(
        lambda account, by: verbs.put_back(account, by=by, field="first_name", value="Ann", reason="x", version=1),
        f"history/first_name/?at={GONE:%Y-%m-%d}", {"reason": "x"}, {"date_joined": GONE}, was_called_ann,
    ),
    "assign_roles": Case(
        lambda account, by: verbs.assign_roles(account, by=by, groups=groups(), is_staff=account.is_staff, is_superuser=False),
        "roles/",
    ),
    "add_to_groups": Case(lambda account, by: verbs.add_to_groups(account, by=by, groups=groups()), "groups/"),
    "remove_from_groups": Case(
        lambda account, by: verbs.remove_from_groups(account, by=by, groups=groups()), "groups/end/", make=join
    ),
    "invite_again": Case(lambda account, by: verbs.invite_again(account, by=by), "invitation/", fields={"status": "invited"}),
    "suspend": Case(lambda account, by: verbs.suspend(account, by=by, reason="x"), "suspension/", {"reason": "x"}),
    "reinstate": Case(
        lambda account, by: verbs.reinstate(account, by=by), "suspension/end/",
        fields={"status": "suspended", "status_reason": "x", "suspended_until": GONE},  # run out, so that oneself may try
    ),
    "set_end_date": Case(
        lambda account, by: verbs.set_end_date(account, by=by, until=LATER), "end-date/", {"until": "2999-01-31T12:30"}
    ),
    "clear_end_date": Case(
        lambda account, by: verbs.clear_end_date(account, by=by), "end-date/end/", fields={"valid_until": LATER}
    ),
    "delete": Case(lambda account, by: verbs.delete(account, by=by, reason="x"), "deletion/", {"reason": "x"}),
    "restore": Case(
        lambda account, by: verbs.restore(account, by=by), "deletion/end/", fields={"status": "deleted", "deleted_at": GONE}
    ),
    "erase": Case(lambda account, by: verbs.erase(account, by=by, reason="x"), "erasure/", {"reason": "x"}),
    "send_password_reset": Case(lambda account, by: verbs.send_password_reset(account, by=by), "password-reset/"),
    "require_password_change": Case(lambda account, by: verbs.require_password_change(account, by=by), "password-change/"),
    "verify_email": Case(
        lambda account, by: verbs.verify_email(account, by=by, reason="x"), "verification/", {"reason": "x"}
    ),
    "send_verification": Case(lambda account, by: verbs.send_verification(account, by=by), "verification/mail/"),
    "reset_second_factor": Case(
        lambda account, by: verbs.reset_second_factor(account, by=by, reason="x"), "second-factor/reset/", {"reason": "x"},
        {"has_second_factor": True},
    ),
    "end_session": Case(
        lambda account, by, made: verbs.end_session(account, made.public_id, by=by), "sessions/{public_id}/end/", make=session
    ),
    "end_sessions": Case(
        lambda account, by, made: verbs.end_sessions(account, by=by), "sessions/end/", make=session
    ),
    "end_lockout": Case(lambda account, by: verbs.end_lockout(account, by=by), "lockout/end/", make=lock_out),
    "add_note": Case(lambda account, by: verbs.add_note(account, by=by, text="Rang"), "notes/", {"text": "Rang"}),
    "pin_note": Case(
        lambda account, by, made: verbs.pin_note(made, by=by, pinned=True), "notes/{pk}/pin/", make=note
    ),
    "edit_note": Case(
        lambda account, by, made: verbs.edit_note(made, by=by, text="Wrote", version=1), "notes/{pk}/edit/", {"text": "Wrote"},
        make=note,
    ),
}  # fmt: skip

# What has no place in the table. People do these to themselves, or nobody is signed in.
OF_ONES_OWN = {
    "ask_password_reset", "choose_password", "confirm_email", "edit_own_profile", "end_own_session", "end_own_sessions",
}  # fmt: skip
WITHOUT_TARGET = {"invite", "new/"}
LOOKING = {"", "access/", "activity/", "mail/", "sign-ins/", "doctor/", "notes/", "history/"}
# Actions of access.PERMISSIONS that are about no account.
ROOMS = {"view", "invite", "view_audit", "share_view", "view_caching", "view_jobs", "control_jobs", "approve_bulk"}


def test_every_verb_is_in_the_table():
    assert set(verbs.__all__) - OF_ONES_OWN - WITHOUT_TARGET == set(TABLE) - {"edit one field"}
    assert set(CASES) == set(TABLE)


def test_every_address_of_an_account_is_in_the_table_or_only_shows_something():
    generic = {"{public_id}": "<uuid:public_id>", "notes/{pk}": "notes/<int:number>", "first_name": "<slug:name>"}
    known = set(LOOKING)
    for case in CASES.values():
        path = case.path.partition("?")[0]
        for special, pattern in generic.items():
            path = path.replace(special, pattern)
        known.add(path)
    known.add("notes/<int:number>/pin/end/")  # the same verb, the other way
    assert {path.removeprefix("<int:pk>/") for path in addresses()} == known


def addresses() -> set[str]:
    """Below /users/: those with the id of an account."""
    roots = [pattern for pattern in get_resolver().url_patterns if str(pattern.pattern) == ""]
    inner = [pattern for root in roots for pattern in root.url_patterns if str(pattern.pattern) == "users/"]
    found = {str(pattern.pattern) for include in inner for pattern in include.url_patterns}
    return {path for path in found if path.startswith("<int:pk>/")}


def test_every_action_of_the_gate_is_asked_for_by_an_address_of_the_table(client, monkeypatch):
    asked: set[str] = set()
    ask = access.refusal
    monkeypatch.setattr(
        access, "refusal", lambda actor, action, target=None: (asked.add(action), ask(actor, action, target))[1]
    )
    client.force_login(make_superuser())
    for case in CASES.values():
        account, by = make_target("ordinary", case, make_superuser())
        send(client, case, account, case.make(account, by))
    assert set(access.PERMISSIONS) - ROOMS <= asked


def expected(verb: str, target: str) -> str:
    """ "" where the target can't be: the last active superuser is not suspended, deleted or about to end."""
    columns = dict(zip(TARGETS, TABLE[verb].split(), strict=False))
    return columns.get(target, "")


def make_actor(role: str, **fields: Any) -> User:
    if role == "nobody":
        return make_user(password=PASSWORD, **fields)
    if role == "superuser":
        return make_superuser(password=PASSWORD, **fields)
    return make_user(role, password=PASSWORD, **fields)


def make_target(target: str, case: Case, by: User) -> tuple[User, User]:
    """The account, and who acts."""
    fields = {"password": PASSWORD} | case.fields
    if target == "oneself":
        User.objects.filter(pk=by.pk).update(**case.fields)
        return User.objects.get(pk=by.pk), User.objects.get(pk=by.pk)
    if target == "last superuser":
        User.objects.filter(is_superuser=True).exclude(pk=by.pk).update(valid_until=LATER)
        User.objects.filter(pk=by.pk, is_superuser=True).update(valid_until=timezone.now() + timedelta(days=1))
        return make_superuser(**fields), User.objects.get(pk=by.pk)
    makers = {"ordinary": make_user, "staff": lambda **more: make_user("Viewer", **more), "superuser": make_superuser}
    return makers[target](**fields), User.objects.get(pk=by.pk)


ASKED = [(verb, target) for verb in TABLE for target in TARGETS if expected(verb, target)]


@pytest.mark.parametrize(("verb", "target"), ASKED)
def test_what_the_verb_does(verb, target):
    make_superuser()
    case, found = CASES[verb], ""
    for role in ROLES:
        account, by = make_target(target, case, make_actor(role))
        made = case.make(account, by)
        try:
            case.ask(account, by, *([made] if made else []))
            found += "+"
        except access.Denied:
            found += "-"
        except Refused:
            found += "!"
    assert found == expected(verb, target)


@pytest.mark.parametrize(("verb", "target"), ASKED)
def test_what_the_address_answers(verb, target):
    make_superuser()
    case, found = CASES[verb], ""
    for role in ROLES:
        account, by = make_target(target, case, make_actor(role))
        made, client = case.make(account, by), Client()
        client.force_login(by)
        before = AuditEvent.objects.filter(action="denied").count()
        status = send(client, case, account, made)
        found += {302: "+", 403: "-", 409: "!"}.get(status, f"({status})")
        assert AuditEvent.objects.filter(action="denied").count() == before + (status == 403)
    assert found == expected(verb, target)


def send(client: Client, case: Case, account: User, made: Any) -> int:
    path = case.path.format(**vars(made)) if isinstance(made, Session) else case.path.format(pk=made.pk if made else "")
    sent = {"version": 1, "username": account.username} | case.sent
    if case.path == "roles/" and account.is_staff:
        sent["is_staff"] = "on"
    if case.path == "erasure/":
        sent["confirm"] = account.username
    if "groups" in case.path:
        sent["groups"] = [group.pk for group in groups()]
    return client.post(f"/users/{account.pk}/{path}", sent).status_code
