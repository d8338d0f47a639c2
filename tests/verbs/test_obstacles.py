"""Every verb of every kind of account: the menu, the form, the verb and its bulk form agree on
whether it is possible, and say in one sentence why not.
"""

from typing import Any

import pytest
from django.core.cache import caches
from django.db import transaction
from django.test import Client
from django.utils import timezone

from tests.builders import PASSWORD, make_superuser, make_user
from tests.pages import read
from tests.verbs.verb_cases import CASES, GONE, LATER, groups, lock_out, session
from users.access import PERMISSIONS
from users.account.actions_html import render_actions
from users.exceptions import VerbRefused
from users.jobs.models import Job
from users.mail.models import Message
from users.models import User
from users.verbs.declaration import Verb
from users.verbs.registry import VERBS

pytestmark = pytest.mark.django_db
LIVING = {
    "restore": "This account is {state}, not deleted.",
    "reinstate": "This account is {state}, not suspended.",
    "invite_again": "This account is {state}; it has no open invitation.",
    "reset_second_factor": "This account has no second factor.",
    "end_sessions": "There are no active sessions to end.",
    "remove_from_groups": "This account has no roles.",
    "clear_end_date": "This account has no end date.",
    "end_lockout": "This account is not locked out.",
}
VERIFIED = dict.fromkeys(("verify_email", "send_verification"), "This address is already verified.")
UNVERIFIED = {"write": "This address is not verified and may belong to someone else."}
NO_PASSWORD = {"require_password_change": "This account has no password to change."}
INACTIVE_OBSTACLES = dict.fromkeys(
    ("send_password_reset", "send_verification"),
    "This account is {state}, so the link would not work.",
)
DELETED = "This account is deleted and can’t be changed. Restore it first."
ERASED = "This account is erased and can’t be changed."
GONE_SENTENCES = {
    "suspend": "This account is already {state}.",
    "delete": "This account is already {state}.",
    "reinstate": LIVING["reinstate"],
    "invite_again": LIVING["invite_again"],
    "end_sessions": LIVING["end_sessions"],
}
UNLOCKED = {name: LIVING[name] for name in ("restore", "reinstate", "invite_again")}
NAMES = {verb.name for verb in VERBS} - {"reveal"}
# By kind of account: its fields, and the sentence of each verb that is impossible. All others are
# possible.
KINDS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "active": (
        {"password": PASSWORD, "email_verified_at": GONE},
        LIVING | VERIFIED,
    ),
    "bare": (
        {"email": ""},
        LIVING
        | NO_PASSWORD
        | dict.fromkeys(
            ("send_password_reset", "write", "verify_email", "send_verification"),
            "This account has no address.",
        ),
    ),
    "bounced": (
        {"password": PASSWORD, "email_verified_at": GONE, "email_bounced_at": GONE},
        LIVING | VERIFIED | {"write": "Emails to this address bounce."},
    ),
    "full": (
        {
            "password": PASSWORD,
            "has_second_factor": True,
            "valid_until": LATER,
            "must_change_password": True,
        },
        UNLOCKED
        | UNVERIFIED
        | {
            "require_password_change": "A password change is already required.",
            "send_password_reset": "This email is already queued.",
        },
    ),
    "invited": (
        {"status": "invited"},
        LIVING
        | UNVERIFIED
        | NO_PASSWORD
        | {
            "invite_again": "",
            "send_password_reset": "This account is invited and has no password yet."
            " Invite it again instead.",
            "send_verification": "This account is invited."
            " Accepting the invitation verifies the address.",
        },
    ),
    "suspended": (
        {"status": "suspended", "password": PASSWORD},
        LIVING
        | UNVERIFIED
        | INACTIVE_OBSTACLES
        | {"reinstate": "", "suspend": "This account is already suspended."},
    ),
    "ended": (
        {"valid_until": GONE, "date_joined": GONE, "password": PASSWORD},
        LIVING | UNVERIFIED | INACTIVE_OBSTACLES | {"clear_end_date": ""},
    ),
    "deleted": (
        {"status": "deleted", "deleted_at": GONE},
        dict.fromkeys(NAMES, DELETED) | GONE_SENTENCES | {"restore": "", "erase": ""},
    ),
    "erased": (
        {"status": "erased", "deleted_at": GONE},
        dict.fromkeys(NAMES, ERASED)
        | GONE_SENTENCES
        | {
            "erase": "This account is already erased.",
            "restore": "This account is erased and can’t be restored.",
        },
    ),
}


def made(kind: str, root: User) -> User:
    account = make_user(**KINDS[kind][0])
    if kind == "full":
        account.groups.add(*groups())
        session(account, root)
        lock_out(account, root)
        Message.objects.create(account=account, kind="password-reset", to=account.email)
    return User.objects.get(pk=account.pk)


def bulk_sentence(verb: Verb, account: User, root: User) -> str:
    """Why the verb's bulk form skips the account."""
    assert verb.bulk
    job = Job(kind=verb.bulk.name, by=root, parameters={})
    accounts = User.objects.filter(pk=account.pk)
    [found] = verb.bulk().with_skip_reasons(accounts, job, timezone.now())
    return found.skip_reason


def verb_sentence(verb: Verb, account: User, root: User) -> str:
    """Why the verb itself refuses the account."""
    try:
        with transaction.atomic():
            # Only end_sessions takes something made, and it does not look at it.
            CASES[verb.name].ask(account, verb.name == "end_sessions", by=root)
            transaction.set_rollback(True)
    except VerbRefused as refused:
        return refused.message
    return ""


@pytest.mark.parametrize("kind", KINDS)
def test_menu_form_verb_and_bulk_form_are_of_one_mind(kind):
    root = make_superuser()
    account = made(kind, root)
    client = Client()
    client.force_login(root)
    menu = render_actions(account, dict.fromkeys(PERMISSIONS, True))
    for verb in VERBS:
        if verb.name == "reveal":
            continue
        expected = KINDS[kind][1].get(verb.name, "")
        expected = expected.format(state=account.state.label.lower())
        address = f"/users/{account.pk}/{verb.path}"
        response = client.get(address)
        main = read(response).one("main")
        assert response.status_code == (409 if expected else 200), (verb.name, main.text)
        assert expected in main.text, verb.name
        assert bool(main.all("form")) != bool(expected), verb.name
        if (kind, verb.name) != ("full", "add_to_groups"):  # it has the role of the case already
            assert verb_sentence(verb, account, root) == expected, verb.name
        if verb.bulk:
            assert bulk_sentence(verb, account, root) == expected, verb.name
        in_row = [each.sentence for each in verb.obstacles if each.in_row]
        if expected in in_row:
            assert f'href="{address}"' not in menu, verb.name
    caches["default"].clear()


def test_the_menu_says_why_a_link_leads_nowhere():
    account = User(pk=7, username="ann", email="", status="active", password="!")
    menu = render_actions(account, dict.fromkeys(PERMISSIONS, True))
    for label, why in (
        ("Reset second factor", "This account has no second factor."),
        ("Require password change", "This account has no password to change."),
        ("Verify address", "This account has no address."),
    ):
        assert f"</svg> {label}<small>{why}</small></a>" in menu


def test_nothing_is_revealed_of_an_erased_account(client):
    client.force_login(make_user("Viewer"))
    response = client.get(f"/users/{make_user(status='erased', deleted_at=GONE).pk}/reveal/")
    assert response.status_code == 409
    assert "This account is erased and has no personal data." in response.content.decode()
