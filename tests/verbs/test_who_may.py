"""Every verb, by every role, towards every kind of account: what the verb does and what its address
answers.

A new verb, a new address below /users/<id>/ or a new action makes a test here fail until it stands
in the table.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from tests.builders import PASSWORD, make_superuser, make_user
from tests.verbs.verb_cases import CASES, LATER, Case, send
from users import access
from users.audit.models import AuditEvent
from users.exceptions import VerbRefused
from users.models import User
from users.verbs.registry import VERBS

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of roles, and not of the database

ROLES = ["Viewer", "Support", "Manager", "Auditor", "Administrator", "superuser", "nobody"]
TARGETS = ["ordinary", "staff", "superuser", "oneself", "last superuser"]
# One letter for each role, in the order of ROLES (V S M U A R n): + does it, - is denied, ! may but
# is refused. an ordinary  a member of   another                  the last active account      staff
# superuser    oneself     superuser
TABLE = {
    "edit": "-++-++-   ----++-   -----+-   -++-++-   -----+-",
    "edit one field": "-++-++-   ----++-   -----+-   -++-++-   -----+-",
    "put_back": "-++-++-   ----++-   -----+-   -++-++-   -----+-",
    "assign_roles": "----++-   ----++-   -----+-   -------   -----!-",
    "add_to_groups": "--+-++-   ----++-   -----+-   -------   -----+-",
    "remove_from_groups": "--+-++-   ----++-   -----+-   -------   -----+-",
    "invite_again": "--+-++-   ----++-   -----+-",
    "suspend": "-++-++-   ----++-   -----+-   -------   -----!-",
    "reinstate": "-++-++-   ----++-   -----+-   -------",
    "set_end_date": "--+-++-   ----++-   -----+-   -------   -----!-",
    "clear_end_date": "--+-++-   ----++-   -----+-   -------",
    "delete": "--+-++-   ----++-   -----+-   -------   -----!-",
    "restore": "--+-++-   ----++-   -----+-",
    "erase": "----++-   ----++-   -----+-   -------   -----!-",
    "send_password_reset": "-++-++-   ----++-   -----+-   -------   -----+-",
    "require_password_change": "-++-++-   ----++-   -----+-   -------   -----+-",
    "verify_email": "-++-++-   ----++-   -----+-   -------   -----+-",
    "send_verification": "-++-++-   ----++-   -----+-   -------   -----+-",
    "reset_second_factor": "----++-   ----++-   -----+-   -------   -----+-",
    "end_session": "-++-++-   ----++-   -----+-   -++-++-   -----+-",
    "end_sessions": "-++-++-   ----++-   -----+-   -++-++-   -----+-",
    "end_lockout": "-++-++-   ----++-   -----+-   -++-++-   -----+-",
    "write": "-++-++-   ----++-   -----+-   -++-++-   -----+-",
    "add_note": "-++-++-   ----++-   -----+-   -++-++-   -----+-",
    "pin_note": "-++-++-   ----++-   -----+-   -++-++-   -----+-",
    "edit_note": "-++-++-   ----++-   -----+-   -++-++-   -----+-",
}


# Changes beside the verbs that are declared: by another address of a verb, or of another room.
BESIDE_VERBS = {"edit one field", "put_back", "end_session", "add_note", "pin_note", "edit_note"}
# They change nothing of the account, whoever stands above whom: tests/verbs/test_reveal.py.
SHOWING = {"reveal", "view_personal", "reveal_personal"}
LOOKING = {
    "",
    "reveal/",
    "access/",
    "activity/",
    "mail/",
    "sign-ins/",
    "doctor/",
    "notes/",
    "history/",
    "presence/",
    "presence/end/",
}
# Actions of access.PERMISSIONS that are about no account.
ROOMS = {
    "create_token",
    "manage_tokens",
    "manage_services",
    "view",
    "invite",
    "view_audit",
    "share_view",
    "view_status",
    "view_jobs",
    "control_jobs",
    "approve_bulk",
    "export",
    "import",
    "view_exports",
    "export_hashes",
    "import_passwords",
    "view_suppressions",
    "manage_suppressions",
    "send_campaigns",
    "view_roles",
    "request_role",
    "manage_roles",
    "approve_role",
    "review_access",
    # Ranks: tests/oidc/test_links.py.
    "manage_links",
    "view_webhooks",
    "manage_webhooks",
}


def test_every_verb_is_in_the_table():
    assert {verb.name for verb in VERBS} - SHOWING == set(TABLE) - BESIDE_VERBS
    assert set(CASES) == set(TABLE)


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb.name in CASES])
def test_a_verb_stands_in_the_table_with_the_address_of_its_declaration(verb):
    assert CASES[verb.name].path == verb.path


def test_every_address_of_an_account_is_in_the_table_or_only_shows_something():
    generic = {
        "{public_id}": "<uuid:public_id>",
        "notes/{pk}": "notes/<int:number>",
        "first_name": "<slug:name>",
    }
    known = set(LOOKING)
    for case in CASES.values():
        path = case.path.partition("?")[0]
        for special, pattern in generic.items():
            path = path.replace(special, pattern)
        known.add(path)
    known |= {
        "notes/<int:number>/pin/end/",
        "letter/sample/",
    }  # the same verbs, the other way and without doing it
    assert {path.removeprefix("<int:pk>/") for path in addresses()} == known


def addresses() -> set[str]:
    """Below /users/: those with the id of an account."""
    roots = [pattern for pattern in get_resolver().url_patterns if str(pattern.pattern) == ""]
    inner = [
        pattern
        for root in roots
        for pattern in root.url_patterns
        if str(pattern.pattern) == "users/"
    ]
    found = {str(pattern.pattern) for include in inner for pattern in include.url_patterns}
    return {path for path in found if path.startswith("<int:pk>/")}


def test_every_action_of_the_gate_is_asked_for_by_an_address_of_the_table(client, monkeypatch):
    asked: set[str] = set()
    ask = access.find_refusal
    monkeypatch.setattr(
        access,
        "find_refusal",
        lambda actor, action, target=None: (asked.add(action), ask(actor, action, target))[1],
    )
    client.force_login(make_superuser())
    for case in CASES.values():
        account, by = make_target("ordinary", case, make_superuser())
        send(client, case, account, case.fit(account, by))
    assert set(access.PERMISSIONS) - ROOMS - SHOWING <= asked


def expected(verb: str, target: str) -> str:
    """The column of the table; "" where there can be no such target: the last active superuser is
    not suspended, deleted or about to end.
    """
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
        User.objects.filter(pk=by.pk, is_superuser=True).update(
            valid_until=timezone.now() + timedelta(days=1)
        )
        return make_superuser(**fields), User.objects.get(pk=by.pk)
    makers = {
        "ordinary": make_user,
        "staff": lambda **more: make_user("Viewer", **more),
        "superuser": make_superuser,
    }
    return makers[target](**fields), User.objects.get(pk=by.pk)


ASKED = [(verb, target) for verb in TABLE for target in TARGETS if expected(verb, target)]


@pytest.mark.parametrize(("verb", "target"), ASKED)
def test_what_the_verb_does(verb, target):
    make_superuser()
    case = CASES[verb]
    found = ""
    for role in ROLES:
        account, by = make_target(target, case, make_actor(role))
        made = case.fit(account, by)
        try:
            case.ask(account, made, by=by)
            found += "+"
        except access.Denied:
            found += "-"
        except VerbRefused:
            found += "!"
    assert found == expected(verb, target)


@pytest.mark.parametrize(("verb", "target"), ASKED)
def test_what_the_address_answers(verb, target):
    make_superuser()
    case = CASES[verb]
    found = ""
    for role in ROLES:
        account, by = make_target(target, case, make_actor(role))
        made = case.fit(account, by)
        client = Client()
        client.force_login(by)
        before = AuditEvent.objects.filter(action="denied").count()
        status = send(client, case, account, made).status_code
        found += {302: "+", 403: "-", 409: "!"}.get(status, f"({status})")
        assert AuditEvent.objects.filter(action="denied").count() == before + (status == 403)
    assert found == expected(verb, target)
