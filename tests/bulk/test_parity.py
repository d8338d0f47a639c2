"""Each bulk action over a set leaves what the verb leaves, account by account, over an equal set."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from tests.account.asking import row
from tests.builders import make_superuser, make_user
from tests.bulk.running import ended, run
from users import access
from users.account import verbs
from users.account.errors import Refused
from users.audit.models import AuditEvent
from users.bulk.action import BY_NOUN
from users.jobs.models import JobItem
from users.models import User

pytestmark = pytest.mark.django_db
NOON = datetime(2999, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
PAST = datetime(2020, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Same:
    """`verb(account, by=…)` does to one account what the action with `parameters` does to many."""

    verb: Callable[..., User]
    parameters: dict[str, Any] = field(default_factory=dict)
    reason: str = "A <reason>"


CASES = {
    "suspension": [
        Same(lambda account, by: verbs.suspend(account, by=by, reason="A <reason>")),
        Same(lambda account, by: verbs.suspend(account, by=by, reason="A <reason>", until=NOON), {"until": NOON.isoformat()}),
    ],
    "reinstatement": [
        Same(lambda account, by: verbs.reinstate(account, by=by, reason="A <reason>")),
        Same(lambda account, by: verbs.reinstate(account, by=by), reason=""),
    ],
}
ALL = [pytest.param(noun, same, id=f"{noun}-{n}") for noun, cases in CASES.items() for n, same in enumerate(cases)]


def population(now: datetime) -> list[User]:
    """Accounts in every state, with and without password, dates, groups and rights; the same each time that it is called."""
    soon, past = now + timedelta(days=1), now - timedelta(days=1)
    fields: list[dict[str, Any]] = [
        {}, {"password": "a-long-enough-passphrase"}, {"last_login": past}, {"valid_until": past}, {"valid_until": soon},
        {"status": "invited"}, {"status": "invited", "email": ""}, {"status": "deleted", "deleted_at": now},
        {"status": "erased", "deleted_at": now}, {"must_change_password": True}, {"email_verified_at": past},
        {"status": "suspended"}, {"status": "suspended", "password": "a-long-enough-passphrase"},
        {"status": "suspended", "suspended_until": soon}, {"status": "suspended", "suspended_until": past},
        {"status": "suspended", "suspended_until": past, "valid_until": past},
        {"status": "suspended", "last_login": past, "status_reason": "A <reason>"},
        {"attributes": {"a": [1, "<b>"]}, "version": 7, "session_epoch": 3},
    ]  # fmt: skip
    accounts = [make_user(**each) for each in fields]
    accounts += [make_user("Viewer"), make_user("Support"), make_user("Viewer", is_staff=False), make_user("Administrator")]
    accounts += [make_superuser(), make_superuser(status="suspended"), make_superuser(valid_until=soon)]
    own = make_user()
    own.user_permissions.add(Permission.objects.get(codename="manage_staff"))
    return [*accounts, own]


def lead() -> User:
    """Somebody who may do everything to ordinary accounts and to staff with no more rights than a support agent has."""
    account = make_user("Support")
    names = [name.partition(".")[2] for name in access.PERMISSIONS.values() if "group" not in name] + ["manage_staff"]
    account.user_permissions.add(*Permission.objects.filter(codename__in=names, content_type__app_label="users"))
    return account


ACTORS = {"a support agent": lambda: make_user("Support"), "a lead": lead, "a superuser": make_superuser}


def one_by_one(same: Same, accounts: list[User], by: Any) -> dict[int, str]:
    """What verbs said no to, and how."""
    refused = {}
    for account in accounts:
        try:
            same.verb(User.objects.get(pk=account.pk), by=by)
        except Refused as error:
            refused[account.pk] = error.message
        except access.Denied as error:
            refused[account.pk] = error.reason
    return refused


def left(account: User) -> dict[str, Any]:
    """The row, but for what tells two equal accounts apart, and for the moment of the change."""
    stored = row(account)
    own = {"id", "username", "email", "search_key", "password", "updated_at", "date_joined", "last_login", "email_domain"}
    return {name: value for name, value in stored.items() if name not in own}


def told(account: User) -> list[tuple]:
    found = AuditEvent.objects.filter(target_id=account.pk).order_by("id")
    return [(e.action, e.actor_id, e.actor_text, e.target_version, e.before, e.after, e.reason) for e in found]


@pytest.mark.parametrize(("noun", "same"), ALL)
@pytest.mark.parametrize("actor", ACTORS.values(), ids=ACTORS)
def test_many_at_once_are_as_one_by_one(noun, same, actor):
    by = actor()
    make_superuser()  # so that nobody is the last
    now = timezone.now()
    ones, many = population(now), population(now)
    refused = one_by_one(same, [*ones, by], by)
    job = run(noun, [*many, by], by=by, reason=same.reason, parameters=same.parameters)
    assert ended(job) == "done", job.note
    skipped = dict(JobItem.objects.filter(job=job, outcome="skipped").values_list("account_id", "reason"))
    assert [refused.get(pk.pk) for pk in [*ones, by]] == [skipped.get(pk.pk) for pk in [*many, by]]
    for one, other in zip(ones, many, strict=True):
        assert left(other) == left(one)
        assert [(a, n, t, v - other.version, *rest) for a, n, t, v, *rest in told(other)] == [
            (a, n, t, v - one.version, *rest) for a, n, t, v, *rest in told(one)
        ]
        if one.pk not in refused:
            event = AuditEvent.objects.get(target_id=other.pk)
            assert (event.target_text, event.job_id) == (other.username, job.pk)
            assert User.objects.get(pk=other.pk).updated_at > one.updated_at


def test_every_action_is_compared():
    assert set(CASES) == set(BY_NOUN)
