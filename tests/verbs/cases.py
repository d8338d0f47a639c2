"""Each verb of one account: how it is asked for, and the form that asks for it. What tests of all
verbs go through.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.core.cache import caches
from django.test import Client

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
from users.verbs.role_addition.verb import add_to_groups
from users.verbs.role_removal.verb import remove_from_groups
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
    """`ask(account, by)` is the verb, `path` its address, to which `sent` goes. `fields`: of
    accounts that it fits; `make`: what else there must be, whose id the address and the verb take.
    """

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
    return Note.objects.create(
        account=account, author_id=by.pk, author_text=by.username, text="Rang"
    )


def lock_out(account: User, by: User) -> None:
    """As after so many failures just now."""
    caches["default"].set_many(
        {
            key: [time.time()] * rate.amount
            for key, rate in throttle.counter_keys(throttle.throttle_subject(account, "")).items()
        }
    )


def was_called_ann(account: User, by: User) -> None:
    AuditEvent.objects.create(
        at=GONE + timedelta(days=1),
        target_id=account.pk,
        action="account.edited",
        before={"first_name": "Ann"},
        after={"first_name": account.first_name},
    )


PROFILE = {
    "email": "",
    "first_name": "Ann",
    "last_name": "",
    "phone": "",
    "locale": "",
    "time_zone": "",
}
CASES = {
    "edit": Case(
        lambda account, by: edit_profile(account, by=by, version=1, first_name="Ann"),
        "edit/",
        PROFILE,
    ),
    "edit one field": Case(
        lambda account, by: edit_profile(account, by=by, version=1, first_name="Ann"),
        "edit/first_name/",
        {"first_name": "Ann"},
    ),
    "put_back": Case(
        lambda account, by: restore_value(
            account, by=by, field="first_name", value="Ann", reason="x", version=account.version
        ),
        f"history/first_name/?at={GONE:%Y-%m-%d}",
        {"reason": "x"},
        {"date_joined": GONE},
        was_called_ann,
    ),
    "assign_roles": Case(
        lambda account, by: assign_roles(
            account, by=by, groups=groups(), is_staff=account.is_staff, is_superuser=False
        ),
        "roles/",
    ),
    "add_to_groups": Case(
        lambda account, by: add_to_groups(account, by=by, groups=groups()), "groups/"
    ),
    "remove_from_groups": Case(
        lambda account, by: remove_from_groups(account, by=by, groups=groups()),
        "groups/end/",
        make=join,
    ),
    "invite_again": Case(
        lambda account, by: resend_invitation(account, by=by),
        "invitation/",
        fields={"status": "invited"},
    ),
    "suspend": Case(
        lambda account, by: suspend_account(account, by=by, reason="x"),
        "suspension/",
        {"reason": "x"},
    ),
    "reinstate": Case(
        lambda account, by: reinstate_account(account, by=by),
        "suspension/end/",
        fields={
            "status": "suspended",
            "status_reason": "x",
            "suspended_until": GONE,
        },  # run out, so that oneself may try
    ),
    "set_end_date": Case(
        lambda account, by: set_end_date(account, by=by, until=LATER),
        "end-date/",
        {"until": "2999-01-31T12:30"},
    ),
    "clear_end_date": Case(
        lambda account, by: clear_end_date(account, by=by),
        "end-date/end/",
        fields={"valid_until": LATER},
    ),
    "delete": Case(
        lambda account, by: delete_account(account, by=by, reason="x"), "deletion/", {"reason": "x"}
    ),
    "restore": Case(
        lambda account, by: restore_account(account, by=by),
        "deletion/end/",
        fields={"status": "deleted", "deleted_at": GONE},
    ),
    "erase": Case(
        lambda account, by: erase_account(account, by=by, reason="x"), "erasure/", {"reason": "x"}
    ),
    "send_password_reset": Case(
        lambda account, by: send_password_reset(account, by=by), "password-reset/"
    ),
    "require_password_change": Case(
        lambda account, by: require_password_change(account, by=by), "password-change/"
    ),
    "verify_email": Case(
        lambda account, by: verify_email(account, by=by, reason="x"),
        "verification/",
        {"reason": "x"},
    ),
    "send_verification": Case(
        lambda account, by: send_verification(account, by=by), "verification/mail/"
    ),
    "write": Case(
        lambda account, by: send_letter(account, by=by, subject="Hello", text="Dear {name}"),
        "letter/",
        {"subject": "Hello", "text": "Dear {name}"},
        {"email_verified_at": GONE},
    ),
    "reset_second_factor": Case(
        lambda account, by: reset_second_factor(account, by=by, reason="x"),
        "second-factor/reset/",
        {"reason": "x"},
        {"has_second_factor": True},
    ),
    "end_session": Case(
        lambda account, by, made: end_session(account, made.public_id, by=by),
        "sessions/{public_id}/end/",
        make=session,
    ),
    "end_sessions": Case(
        lambda account, by, made: end_sessions(account, by=by), "sessions/end/", make=session
    ),
    "end_lockout": Case(
        lambda account, by: end_lockout(account, by=by), "lockout/end/", make=lock_out
    ),
    "add_note": Case(
        lambda account, by: add_note(account, by=by, text="Rang"), "notes/", {"text": "Rang"}
    ),
    "pin_note": Case(
        lambda account, by, made: pin_note(made, by=by, pinned=True),
        "notes/{pk}/pin/",
        make=note,
    ),
    "edit_note": Case(
        lambda account, by, made: edit_note(made, by=by, text="Wrote", version=1),
        "notes/{pk}/edit/",
        {"text": "Wrote", "version": 1},
        make=note,
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
        sent["groups"] = [group.pk for group in groups()]
    return sent


def send(client: Client, case: Case, account: User, made: Any, **more: Any) -> Any:
    """The answer to the form; `more`: what else is in it, or other than it should be."""
    return client.post(address(case, account, made), filled(case, account) | more)
