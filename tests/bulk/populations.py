"""Accounts in every state, for tests of bulk actions."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from tests.builders import make_superuser, make_user
from users.mail.models import Message
from users.models import User
from users.sessions.models import Session

LATER = datetime(2999, 3, 1, tzinfo=UTC)


def groups(*names: str) -> list[Group]:
    return [Group.objects.get_or_create(name=name)[0] for name in names]


def population(now: datetime) -> list[User]:
    """Accounts in every state, with and without password, dates, groups and rights; the same each
    time that it is called.
    """
    soon = now + timedelta(days=1)
    past = now - timedelta(days=1)
    fields: list[dict[str, Any]] = [
        {},
        {"password": "a-long-enough-passphrase"},
        {"last_login": past},
        {"valid_until": past},
        {"valid_until": soon},
        {"status": "invited"},
        {"status": "invited", "email": ""},
        {"status": "deleted", "deleted_at": now},
        {"status": "erased", "deleted_at": now},
        {"must_change_password": True},
        {"email_verified_at": past},
        {"status": "suspended"},
        {"status": "suspended", "password": "a-long-enough-passphrase"},
        {"status": "suspended", "suspended_until": soon},
        {"status": "suspended", "suspended_until": past},
        {"status": "suspended", "suspended_until": past, "valid_until": past},
        {"status": "suspended", "last_login": past, "status_reason": "A <reason>"},
        {"attributes": {"a": [1, "<b>"]}, "version": 7, "session_epoch": 3},
        {"email": ""},
        {"locale": "pt-BR"},
        {"valid_until": LATER},
        {"time_zone": "Europe/Lisbon", "locale": "de"},
        *(
            {
                "status": "deleted",
                "deleted_at": past,
                "status_reason": "Old",
                "before_deletion": kept,
            }
            for kept in (
                {"status": "active", "status_reason": "", "suspended_until": None},
                {"status": "invited", "status_reason": "", "suspended_until": None},
                {
                    "status": "suspended",
                    "status_reason": 'A "b" <c>',
                    "suspended_until": "2999-03-01T12:30:15.123Z",
                },
                {
                    "status": "suspended",
                    "status_reason": "x",
                    "suspended_until": "2020-03-01T00:00:00Z",
                },
                {},
            )
        ),
    ]
    accounts = [make_user(**each) for each in fields]
    for number, account in enumerate(accounts):
        make_sessions(account, number % 3)
    for account in accounts[:2]:
        account.groups.add(*groups("Friends"))
    Message.objects.create(account=accounts[0], kind="password-reset", to=accounts[0].email)
    Message.objects.create(account=accounts[1], kind="verification", to="old@example.com")
    Message.objects.create(
        account=accounts[2], kind="password-reset", to=accounts[2].email, state="sent"
    )
    reached = [
        make_user(email_verified_at=past, status=status)
        for status in ("active", "invited", "suspended", "active")
    ]
    for account, states in zip(
        reached, (["failed"], ["failed", "sent"], ["sent", "failed", "waiting"], []), strict=True
    ):
        for state in states:
            Message.objects.create(
                account=account, kind="verification", to=account.email, state=state
            )
    Message.objects.create(
        account=reached[3], kind="verification", to="old@example.com", state="failed"
    )
    accounts += [*reached, make_user(email="", email_verified_at=past)]
    accounts += [
        make_user("Viewer"),
        make_user("Support"),
        make_user("Viewer", is_staff=False),
        make_user("Administrator"),
    ]
    accounts += [
        make_superuser(),
        make_superuser(status="suspended"),
        make_superuser(valid_until=soon),
    ]
    own = make_user()
    own.user_permissions.add(Permission.objects.get(codename="manage_staff"))
    return [*accounts, own]


def make_sessions(account: User, number: int) -> None:
    later = timezone.now() + timedelta(days=1)
    for _ in range(number):
        Session.objects.create(
            session_key=secrets.token_hex(16),
            session_data="",
            expire_date=later,
            account_id=account.pk,
        )
