"""Bulk jobs in tests: started as views start them, and worked in this process until they end."""

from typing import Any
from urllib.parse import urlencode

from users.bulk.registry import ACTIONS_BY_SLUG
from users.jobs import engine, worker
from users.jobs.models import ENDED_STATES, Job
from users.models import User


def start(
    slug: str, accounts: list[User] | None, *, by: Any, reason: str = "A test", **fields: Any
) -> Job:
    """Over `accounts` (100 at most), or over everybody for None."""
    newest = User.objects.latest("pk").pk
    chosen = (
        "all=1" if accounts is None else urlencode([("ids", account.pk) for account in accounts])
    )
    fields = {"selection": chosen, "up_to": newest, "words": "a test’s accounts"} | fields
    return engine.start_job(ACTIONS_BY_SLUG[slug].name, by=by, reason=reason, **fields)


def run(slug: str, accounts: list[User] | None, **fields: Any) -> Job:
    return work(start(slug, accounts, **fields))


def work(job: Job) -> Job:
    """Until it stands still."""
    while worker.work_time_slice() is not None:
        pass
    job.refresh_from_db()
    return job


def ended(job: Job) -> str:
    job.refresh_from_db()
    assert job.state in ENDED_STATES or job.note, job.state
    assert job.selected == job.changed + job.skipped + job.failed + job.unchanged
    return job.state
