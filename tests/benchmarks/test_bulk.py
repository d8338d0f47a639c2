"""bin/bench --bulk: what is written by hand is the same effect."""

from datetime import UTC, datetime

import pytest
from django.http import QueryDict

from benchmarks.__main__ import parse_options
from benchmarks.bulk_by_hand import FILTER, REASON, suspend_by_hand
from tests.builders import make_superuser, make_user
from tests.bulk.running import run
from users.audit.models import AuditEvent
from users.bulk.selection import Selection
from users.jobs.models import Job, JobItem
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
PAST = datetime(2020, 1, 1, tzinfo=UTC)
ONES_OWN = {
    "id",
    "at",
    "target_id",
    "target_text",
    "job_id",
    "chain_id",
    "salt",
    "updated_at",
    "account_id",
}


def people() -> list[User]:
    fields: list[dict] = [
        {},
        {"status_reason": "Old"},
        {"valid_until": PAST},
        {"last_seen_at": PAST},
    ]
    return [make_user(**each) for each in [*fields, {"status": "invited"}]]


def left(accounts: list[User], job: Job) -> list[list[dict]]:
    ids = [account.pk for account in accounts]
    rows = [
        User.objects.filter(pk__in=ids)
        .order_by("pk")
        .values("status", "status_reason", "suspended_until", "version"),
        AuditEvent.objects.filter(job_id=job.pk, target_id__in=ids).order_by("target_id").values(),
        JobItem.objects.filter(job=job)
        .order_by("account_id")
        .values("outcome", "reason", "before", "version"),
    ]
    return [
        [{name: value for name, value in row.items() if name not in ONES_OWN} for row in each]
        for each in rows
    ]


def test_it_changes_the_same_accounts_and_leaves_the_same_rows():
    make_superuser(username="root", last_seen_at=PAST)
    root = User.objects.get(username="root")
    ones = people()
    others = people()
    by_job = run("suspension", ones[:2], by=root, reason=REASON)
    User.objects.filter(pk__in=[account.pk for account in ones]).update(last_seen_at=PAST)
    fitting = Selection.parse(QueryDict(f"{FILTER}&all=1")).accounts().order_by("pk")
    assert [account.pk for account in fitting] == [account.pk for account in others[:2]]
    job, _ = suspend_by_hand(others[-1].pk, 2)
    hand = left(others[:2], job)
    machine = left(ones[:2], by_job)
    assert hand == machine


def test_it_is_a_run_of_its_own():
    assert parse_options(["--accounts", "1000", "--bulk"]).bulk
    with pytest.raises(SystemExit):
        parse_options(["--accounts", "1000", "--bulk", "--sqlite"])
