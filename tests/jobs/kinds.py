"""A kind of job for tests, registered where this is imported; and what a finished job must have
left behind.
"""

import os
import signal
import time

from django.db.models import Count

from users import access
from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.bulk.selection_kind import SelectionKind
from users.jobs import engine, transitions
from users.jobs.kinds import Chunk, register_kind
from users.jobs.models import Job, JobItem
from users.jobs.remarks import Remark
from users.models import User


class Stamp(SelectionKind):
    """Writes parameters["phone"] into each account. "raises" and "dies" name an id at which it does
    so; "slow": seconds that an account takes.
    """

    name = "stamp"
    label = "Stamp"
    action = "edit"
    first_chunk_size = 20

    def run(self, chunk: Chunk) -> None:
        phone = chunk.job.parameters["phone"]
        if chunk.job.parameters.get("dies") in chunk.ids:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(chunk.job.parameters.get("slow", 0) * len(chunk.ids))
        accounts = []
        events = []
        for account in chunk.lock():
            if account.pk == chunk.job.parameters.get("raises"):
                raise ValueError("this one can’t be stamped")
            if why := access.find_refusal(chunk.by, "edit", account):
                chunk.skipped(account.pk, why.reason)
            elif account.phone == phone:
                chunk.unchanged()
            else:
                before = {"phone": account.phone}
                account.phone = phone
                account.version = account.version + 1
                accounts.append(account)
                chunk.changed(account, before)
                events.append(
                    build_event(
                        "account.edited",
                        actor=chunk.by,
                        target=account,
                        before=before,
                        after={"phone": phone},
                    )
                )
        User.objects.bulk_update(accounts, ["phone", "version"])
        AuditEvent.objects.bulk_create(events)


register_kind(Stamp())


def start(by, *, phone: str = "1", selection: str = "all=1", **fields) -> Job:
    """A job over all accounts, or over those of `selection`."""
    newest = User.objects.latest("pk").pk
    parameters = {"phone": phone} | fields.pop("parameters", {})
    return engine.start_job(
        "stamp",
        by=by,
        selection=selection,
        up_to=newest,
        reason="A test",
        parameters=parameters,
        **fields,
    )


def park(job: Job, error: str) -> None:
    """Parks the job with `error` as its note."""
    line = transitions.add_line(job, Remark("chunk_failed", text=error))
    Job.objects.filter(pk=job.pk).update(state="parked", note_line=line)


def assert_each_exactly_once(job: Job, changed: int) -> None:
    """Of `changed` accounts: one event, one item, one new version each; and the counts of the job
    say so.
    """
    job.refresh_from_db()
    assert job.selected == job.changed + job.skipped + job.failed + job.unchanged
    assert job.changed == changed
    items = JobItem.objects.filter(job=job, outcome="changed")
    assert items.count() == changed
    targets = set(items.values_list("account_id", flat=True))
    events = AuditEvent.objects.filter(job_id=job.pk, action="account.edited")
    assert events.count() == changed
    assert set(events.values_list("target_id", flat=True)) == targets
    assert not events.values("target_id").annotate(n=Count("id")).filter(n__gt=1).exists()
    stamped = User.objects.filter(pk__in=targets, phone=job.parameters["phone"]).count()
    assert stamped == changed
