"""The table of verb cases: each verb of one account, how it is called, the form that asks for it,
and the event that it writes.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.core.cache import caches
from django.test import Client

from tests.builders import PASSWORD, make_user
from users.audit.models import AuditEvent
from users.models import User
from users.notes.changes import add_note, edit_note, pin_note
from users.notes.models import Note
from users.sessions import throttle
from users.sessions.models import Session
from users.verbs.deletion.verb import delete_account
from users.verbs.end_date.verb import set_end_date
from users.verbs.end_date_removal.verb import clear_end_date
from users.verbs.erasure.verb import erase_account
from users.verbs.invitation.verb import resend_invitation
from users.verbs.letter.verb import send_letter
from users.verbs.lockout_end.verb import end_lockout
from users.verbs.password_change.verb import require_password_change
from users.verbs.password_reset.verb import send_password_reset
from users.verbs.profile.verb import edit_profile, restore_value
from users.verbs.reinstatement.verb import reinstate_account
from users.verbs.restoration.verb import restore_account
from users.verbs.role_addition.verb import add_roles
from users.verbs.role_removal.verb import remove_roles
from users.verbs.roles.verb import assign_roles
from users.verbs.second_factor_reset.verb import reset_second_factor
from users.verbs.session_end.verb import end_session, end_sessions
from users.verbs.suspension.verb import suspend_account
from users.verbs.verification.verb import verify_email
from users.verbs.verification_email.verb import send_verification

LATER = datetime(2999, 1, 31, 12, 30, tzinfo=UTC)
GONE = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """`path` is the address of the verb, to which `sent` goes. `fields` and `in_group`: of accounts
    that it fits; `make`: what else there must be, whose ID the address and the verb take. A verb
    with a `version` writes `event` and takes `permission`.
    """

    call: Callable[..., Any]
    path: str
    sent: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    in_group: bool = False
    make: Callable[[User, User], Any] = lambda account, by: None
    event: str = ""
    permission: str = ""

    def ask(self, account: User, made: Any = None, **kwargs: Any) -> Any:
        """The answer of the verb. `made`: what `fit` returned; `kwargs`: `by`, and the version."""
        return self.call(account, *([made] if made else []), **kwargs)

    def target(self) -> User:
        """A new account that the verb fits."""
        account = make_user(**({"password": PASSWORD} | self.fields))
        beta = groups()
        if self.in_group:
            account.groups.add(*beta)
        return User.objects.get(pk=account.pk)

    def fit(self, account: User, by: User) -> Any:
        """Makes what the form needs besides the account, and returns what its address names."""
        if self.in_group:
            account.groups.add(*groups())
        return self.make(account, by)


def groups(name: str = "Beta") -> list[Group]:
    return [Group.objects.get_or_create(name=name)[0]]


def session(account: User, by: User) -> Session:
    Client().force_login(account)
    return Session.objects.filter(account_id=account.pk).latest("created_at")


def note(account: User, by: User) -> Note:
    return Note.objects.create(
        account=account, author_id=by.pk, author_text=by.username, text="Rang"
    )


def lock_out(account: User, by: User) -> None:
    """As after so many failures just now from one address."""
    subject = throttle.throttle_subject(account, "")
    throttle.remember_place(subject, "ip:192.0.2.9")
    counters = throttle.counter_keys(throttle.place_key(subject, "ip:192.0.2.9"))
    caches["default"].set_many({key: [time.time()] * rate.amount for key, rate in counters.items()})


def was_called_ann(account: User, by: User) -> None:
    AuditEvent.objects.create(
        at=GONE + timedelta(days=1),
        target_id=account.pk,
        action="account.edited",
        before={"first_name": "Ann"},
        after={"first_name": account.first_name},
    )


def put_back_ann(account: User, version: int | None = 0, **kwargs: Any) -> User:
    """`version`: that of the account, unless there is another or None."""
    return restore_value(
        account,
        field="first_name",
        value="Ann",
        reason="x",
        version=account.version if version == 0 else version,
        **kwargs,
    )


PROFILE = {
    "email": "",
    "first_name": "Ann",
    "last_name": "",
    "phone": "",
    "locale": "",
    "time_zone": "",
    "accepts_announcements": "no",
}
CASES = {
    "edit": Case(
        call=lambda account, version=1, **kw: edit_profile(
            account, version=version, first_name="Ann", **kw
        ),
        path="edit/",
        # Whoever changes the own address enters the own password.
        sent=PROFILE | {"own_password": PASSWORD},
        event="account.edited",
        permission="users.edit_user",
    ),
    "edit one field": Case(
        call=lambda account, by: edit_profile(account, by=by, version=1, first_name="Ann"),
        path="edit/first_name/",
        sent={"first_name": "Ann"},
    ),
    "put_back": Case(
        call=put_back_ann,
        path=f"history/first_name/?at={GONE:%Y-%m-%d}",
        sent={"reason": "x"},
        fields={"date_joined": GONE},
        make=was_called_ann,
        event="account.put_back",
        permission="users.edit_user",
    ),
    "assign_roles": Case(
        call=lambda account, **kw: assign_roles(
            account, groups=groups(), is_staff=account.is_staff, is_superuser=False, **kw
        ),
        path="roles/",
        sent={"reason": "x"},
        event="account.roles_assigned",
        permission="users.assign_roles",
    ),
    "add_to_groups": Case(
        call=lambda account, **kw: add_roles(account, groups=groups(), **kw),
        path="groups/",
        event="account.groups_added",
        permission="users.change_groups",
    ),
    "remove_from_groups": Case(
        call=lambda account, **kw: remove_roles(account, groups=groups(), **kw),
        path="groups/end/",
        in_group=True,
        event="account.groups_removed",
        permission="users.change_groups",
    ),
    "invite_again": Case(
        call=lambda account, by: resend_invitation(account, by=by),
        path="invitation/",
        fields={"status": "invited"},
    ),
    "suspend": Case(
        call=lambda account, **kw: suspend_account(account, reason="x", **kw),
        path="suspension/",
        sent={"reason": "x"},
        event="account.suspended",
        permission="users.suspend_user",
    ),
    "reinstate": Case(
        call=reinstate_account,
        path="suspension/end/",
        fields={
            "status": "suspended",
            "status_reason": "x",
            "suspended_until": GONE,
        },  # run out, so that oneself may try
        event="account.reinstated",
        permission="users.reinstate_user",
    ),
    "set_end_date": Case(
        call=lambda account, **kw: set_end_date(account, until=LATER, **kw),
        path="end-date/",
        sent={"until": "2999-01-31T12:30"},
        event="account.end_date_set",
        permission="users.set_end_date",
    ),
    "clear_end_date": Case(
        call=clear_end_date,
        path="end-date/end/",
        fields={"valid_until": LATER},
        event="account.end_date_cleared",
        permission="users.set_end_date",
    ),
    "delete": Case(
        call=lambda account, **kw: delete_account(account, reason="x", **kw),
        path="deletion/",
        sent={"reason": "x"},
        event="account.deleted",
        permission="users.delete_user",
    ),
    "restore": Case(
        call=restore_account,
        path="deletion/end/",
        fields={"status": "deleted", "status_reason": "Asked", "deleted_at": GONE},
        event="account.restored",
        permission="users.restore_user",
    ),
    "erase": Case(
        call=lambda account, by: erase_account(account, by=by, reason="x"),
        path="erasure/",
        sent={"reason": "x"},
    ),
    "send_password_reset": Case(
        call=lambda account, by: send_password_reset(account, by=by), path="password-reset/"
    ),
    "require_password_change": Case(
        call=require_password_change,
        path="password-change/",
        event="account.password_change_required",
        permission="users.require_password_change",
    ),
    "verify_email": Case(
        call=lambda account, **kw: verify_email(account, reason="x", **kw),
        path="verification/",
        sent={"reason": "x"},
        event="account.email_verified",
        permission="users.verify_email",
    ),
    "send_verification": Case(
        call=lambda account, by: send_verification(account, by=by), path="verification/mail/"
    ),
    "write": Case(
        call=lambda account, by: send_letter(account, by=by, subject="Hello", text="Dear {name}"),
        path="letter/",
        sent={"subject": "Hello", "text": "Dear {name}"},
        fields={"email_verified_at": GONE},
    ),
    "reset_second_factor": Case(
        call=lambda account, **kw: reset_second_factor(account, reason="x", **kw),
        path="second-factor/reset/",
        sent={"reason": "x"},
        fields={"has_second_factor": True},
        event="account.second_factor_reset",
        permission="users.reset_second_factor",
    ),
    "end_session": Case(
        call=lambda account, made, by: end_session(account, made.public_id, by=by),
        path="sessions/{public_id}/end/",
        make=session,
    ),
    "end_sessions": Case(
        call=lambda account, made, by: end_sessions(account, by=by),
        path="sessions/end/",
        make=session,
    ),
    "end_lockout": Case(
        call=lambda account, by: end_lockout(account, by=by),
        path="lockout/end/",
        make=lock_out,
    ),
    "add_note": Case(
        call=lambda account, by: add_note(account, by=by, text="Rang"),
        path="notes/",
        sent={"text": "Rang"},
    ),
    "pin_note": Case(
        call=lambda account, made, by: pin_note(made, by=by, pinned=True),
        path="notes/{pk}/pin/",
        make=note,
    ),
    "edit_note": Case(
        call=lambda account, made, by: edit_note(made, by=by, text="Wrote", version=1),
        path="notes/{pk}/edit/",
        sent={"text": "Wrote", "version": 1},
        make=note,
    ),
}
# The verbs that change an account from a version.
VERSIONED = {name: case for name, case in CASES.items() if case.event} | {
    "assign_roles of staff": replace(
        CASES["assign_roles"],
        call=lambda account, **kw: assign_roles(
            account,
            groups=Group.objects.filter(name="Viewer"),
            is_staff=True,
            is_superuser=False,
            **kw,
        ),
    ),
}


def address(case: Case, account: User, made: Any = None) -> str:
    path = (
        case.path.format(**vars(made))
        if isinstance(made, Session)
        else case.path.format(pk=made.pk if made else "")
    )
    return f"/users/{account.pk}/{path}"


def filled(case: Case, account: User) -> dict[str, Any]:
    """What the form sends that was opened just now and filled in."""
    sent = {
        "version": User.objects.get(pk=account.pk).version,
        "username": account.username,
    } | case.sent
    if case.path == "roles/" and account.is_staff:
        sent["is_staff"] = "on"
    if case.path == "erasure/":
        sent["confirm"] = account.username
    if "groups" in case.path:
        sent |= {"groups": [group.pk for group in groups()], "reason": "Asked"}
    return sent


def send(client: Client, case: Case, account: User, made: Any, **more: Any) -> Any:
    """The answer to the form; `more`: what else is in it, or other than it should be."""
    return client.post(address(case, account, made), filled(case, account) | more)
