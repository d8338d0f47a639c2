"""Undo: a job over the before-images of another one. Each account is put back whose version and
values are still that job's; the others are listed with who changed them since. What an undo did can
be undone in turn.
"""

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from users.audit.models import AuditEvent
from users.bulk.action import BulkAction
from users.bulk.events import record_changes
from users.bulk.lock import lock_admitted, plain_accounts
from users.bulk.selection_kind import SelectionKind
from users.bulk.undo_rules import UNDO_KINDS, job_links, oldest_undoable, undo_objection
from users.exceptions import JobRefused
from users.jobs import engine, transitions
from users.jobs.kinds import Chunk, JobLink
from users.jobs.models import Job, JobItem
from users.jobs.remarks import Remark
from users.sessions import store

UNDO_EVENT = "account.undone"
EVENT_COLUMNS = ("target_id", "target_version", "actor_id", "actor_text", "action", "at")
IMAGE_FORGOTTEN = "The previous state of this account is no longer known."
FORGET_BATCH = 2000  # accounts in one statement
FORGET_JOBS = 100
State = Job.State


class Undo(SelectionKind):
    """Takes back what jobs of another kind did; `action` is the right that it takes. The job's
    parameter `of`: which job.
    """

    four_eyes = "above"

    def __init__(self, name: str, label: str, action: str, of: BulkAction):
        self.name = name  # type: ignore[misc]
        self.label = label  # type: ignore[misc]
        self.action = action  # type: ignore[misc]
        self.of = of

    def title(self, job: Job) -> str:
        return f"{self.label} (job {job.parameters['of']})"

    def links(self, job: Job, viewer: Any) -> list[JobLink]:
        return job_links(job, viewer)

    def run(self, chunk: Chunk) -> None:
        ids = lock_admitted(chunk, self.action, takes_keys=True)
        found = JobItem.objects.filter(job=chunk.job.parameters["of"], account_id__among=ids)
        items = {item.account_id: item for item in found}
        old = self.of.states(ids)
        changed_since = {pk for pk in ids if old[pk]["version"] != items[pk].version}
        reasons: dict[int, str | Remark] = {**later_changes(changed_since, items)}
        reasons |= {
            pk: IMAGE_FORGOTTEN
            for pk in ids
            if pk not in changed_since and items[pk].before is None
        }
        images = {pk: dict(items[pk].before or {}) for pk in ids if pk not in reasons}
        reasons |= self.unlike_left(chunk.job, images, items, old)
        images = {pk: image for pk, image in images.items() if pk not in reasons}
        reasons |= self.of.objections(chunk.by, images, old)
        for pk, reason in reasons.items():
            chunk.skipped(pk, reason)
            images.pop(pk, None)
        self.of.put_back(images)
        raise_versions(list(images), ends_sessions=self.of.undo_ends_sessions)
        new = self.of.states(list(images))
        record_changes(chunk, UNDO_EVENT, [self.of.written(old[pk], new[pk]) for pk in images])

    def unlike_left(
        self,
        job: Job,
        images: dict[int, dict[str, Any]],
        items: dict[Any, JobItem],
        now: dict[int, Any],
    ) -> dict[int, Remark]:
        """Accounts that are not as the job left them although they have its version. Nothing can
        be said where the event's values were erased.
        """
        events = AuditEvent.objects.filter(
            target_id__among=sorted(images), job_id=job.parameters["of"], erased_at=None
        )
        found: dict[int, Remark] = {}
        for event in events:
            pk = event.target_id or 0
            as_left = self.of.is_as_left(images[pk], now[pk], event.after)
            if event.target_version == items[pk].version and not as_left:
                found[pk] = Remark("changed_outside")
        return found


def raise_versions(ids: list[int], *, ends_sessions: bool) -> None:
    accounts = plain_accounts().filter(pk__among=ids)
    epoch = F("session_epoch") + (1 if ends_sessions else 0)
    accounts.update(
        version=F("version") + 1,
        updated_at=timezone.now(),
        session_epoch=epoch,
    )
    if ends_sessions:
        store.delete_sessions_of(ids)


def later_changes(ids: set[int], items: dict[Any, JobItem]) -> dict[int, Remark]:
    """Returns who changed each account last, from the events."""
    events = AuditEvent.objects.filter(target_id__among=sorted(ids)).exclude(action="denied")
    last: dict[Any, Any] = {}
    for event in events.order_by("id").values(*EVENT_COLUMNS).iterator():
        if (event["target_version"] or 0) > (items[event["target_id"]].version or 0):
            last[event["target_id"]] = event
    return {pk: change_remark(last.get(pk)) for pk in ids}


def change_remark(event: dict[str, Any] | None) -> Remark:
    """Returns the reason to leave an account alone. It holds the actor's ID and no name, unless the
    actor is no account.
    """
    if event is None:
        return Remark("changed_outside")
    details = {"action": event["action"], "at": event["at"].isoformat()}
    if event["actor_id"] is None:
        details["actor"] = event["actor_text"]
    return Remark("changed_since", event["actor_id"], details)


# --- starting one ---------------------------------------------------------------------------------


def undo_job(job: Job, *, by: Any, reason: str, key: str = "") -> Job:
    """The job that takes `job` back. Raises access.Denied or engine.Refused."""
    with transaction.atomic():
        if key and by.pk and (again := Job.objects.filter(by=by.pk, key=key).first()):
            return again
        job = transitions.lock_job(job)
        if why := undo_objection(job):
            raise JobRefused(why)
        return engine.start_job(
            UNDO_KINDS[job.kind],
            by=by,
            selection=f"job={job.pk}&outcome={JobItem.Outcome.CHANGED}",
            words=f"accounts changed by job {job.pk}",
            up_to=job.up_to,
            expected=job.changed,
            reason=reason,
            parameters={"of": job.pk},
            parent=job,
            key=key,
        )


def forget_old_images() -> int:
    """Removes what accounts were before jobs that ended too long ago to be taken back; of how many
    jobs. Outcomes stay.
    """
    old = Job.objects.filter(forgotten_at=None, ended_at__lt=oldest_undoable()).order_by(
        "ended_at"
    )[:FORGET_JOBS]
    for job in old:
        forget_images(job)
        Job.objects.filter(pk=job.pk).update(forgotten_at=timezone.now())
    return len(old)


def forget_images(job: Job) -> None:
    last = 0
    while ids := list(
        job.items.filter(account_id__gt=last)
        .order_by("account_id")
        .values_list("account_id", flat=True)[:FORGET_BATCH]
    ):
        last = ids[-1]
        job.items.filter(account_id__among=ids, before__isnull=False).update(before=None)
