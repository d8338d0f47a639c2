"""Undo: a job that restores the accounts of another job from its before-images.

An account is restored if its version and its values are still those that the job left. The others
are skipped, with a remark on who has changed them since. An undo can itself be undone.
"""

from collections import defaultdict
from typing import Any

from django.db import transaction
from django.db.models import F

from users.audit.models import AuditEvent
from users.bulk.account_locks import lock_permitted, plain_accounts
from users.bulk.events import record_changes
from users.bulk.selection_kind import SelectionKind
from users.bulk.undo_rules import UNDO_KINDS, bulk_job_links, oldest_undoable, undo_refusal
from users.bulk.undoable_action import UndoableAction
from users.database.clock import current_time
from users.exceptions import JobRefused
from users.jobs import engine, transitions
from users.jobs.kinds import Chunk, JobLink
from users.jobs.models import Job, JobItem
from users.jobs.remarks import Remark
from users.models import State as AccountState
from users.sessions import store

UNDO_EVENT = "account.undone"
# By a status that is restored: the event by which an account usually gets it.
STATUS_EVENTS = {
    AccountState.SUSPENDED: "account.suspended",
    AccountState.DELETED: "account.deleted",
}
EVENT_COLUMNS = ("target_id", "target_version", "actor_id", "actor_text", "action", "at")
IMAGE_FORGOTTEN = "The previous state of this account is no longer known."
# Accounts in one statement, and jobs in one run of the task.
FORGET_BATCH = 2000
FORGET_JOBS = 100
State = Job.State


class Undo(SelectionKind):
    """Undoes jobs of one kind, or their undo. The job's parameter `of` is the id of the undone job;
    `action` is the action of users.access that undoing requires.
    """

    approval_rule = "above"

    def __init__(
        self,
        name: str,
        label: str,
        action: str,
        undone_action: UndoableAction,
        title_suffix: str = "",
    ):
        self.name = name  # type: ignore[misc]
        self.label = label  # type: ignore[misc]
        self.action = action  # type: ignore[misc]
        self.undone_action = undone_action
        self.title_suffix = title_suffix

    def title(self, job: Job) -> str:
        deed = self.undone_action.confirmation_question(self.account_count_words(job))
        deed = deed[0].lower() + deed[1:].removesuffix("?")
        return f"Undo job {job.parameters['of']}: {deed}{self.title_suffix}"

    def links(self, job: Job, viewer: Any) -> list[JobLink]:
        return bulk_job_links(job, viewer)

    def run(self, chunk: Chunk) -> None:
        ids = lock_permitted(chunk, self.action, can_disable_superusers=True)
        undone = JobItem.objects.filter(job=chunk.job.parameters["of"], account_id__among=ids)
        items: dict[Any, JobItem] = {item.account_id: item for item in undone}
        old = self.undone_action.account_states(ids)
        reasons: dict[int, str | Remark] = unrestorable_accounts(old, items)
        images = {pk: dict(items[pk].before or {}) for pk in ids if pk not in reasons}
        reasons |= self.silent_changes(chunk.job, images, items, old)
        images = {pk: image for pk, image in images.items() if pk not in reasons}
        reasons |= self.undone_action.undo_refusals(chunk.by, images, old)
        for pk, reason in reasons.items():
            chunk.skipped(pk, reason)
            images.pop(pk, None)
        self.undone_action.restore_states(images)
        ends_sessions = self.undone_action.undo_ends_sessions
        raise_versions(list(images), ends_sessions=ends_sessions)
        if ends_sessions:
            end_restored_sessions(images)
        new = self.undone_action.account_states(list(images))
        changes = [self.undone_action.changed_account(old[pk], new[pk]) for pk in images]
        record_changes(chunk, UNDO_EVENT, changes)

    def silent_changes(
        self,
        job: Job,
        images: dict[int, dict[str, Any]],
        items: dict[Any, JobItem],
        old: dict[int, dict[str, Any]],
    ) -> dict[int, Remark]:
        """Returns a remark by account id for the accounts that have the version but not the values
        that the undone job left. An event whose values were erased proves nothing.
        """
        events = AuditEvent.objects.filter(
            target_id__among=sorted(images), job_id=job.parameters["of"], erased_at=None
        )
        changed: dict[int, Remark] = {}
        for event in events:
            pk = event.target_id or 0
            as_left = self.undone_action.is_as_left(images[pk], old[pk], event.after)
            if event.target_version == items[pk].version and not as_left:
                changed[pk] = Remark("changed_outside")
        return changed


def unrestorable_accounts(
    old: dict[int, dict[str, Any]], items: dict[Any, JobItem]
) -> dict[int, str | Remark]:
    """Returns a reason by account id for the accounts that were changed since the undone job, or
    whose before-image is no longer kept.
    """
    changed_since = {pk for pk in old if old[pk]["version"] != items[pk].version}
    forgotten = [pk for pk in old if pk not in changed_since and items[pk].before is None]
    return {**later_changes(changed_since, items), **dict.fromkeys(forgotten, IMAGE_FORGOTTEN)}


def raise_versions(ids: list[int], *, ends_sessions: bool) -> None:
    """Increments the version of the accounts; with `ends_sessions` also their session epoch."""
    values: dict[str, Any] = {"version": F("version") + 1, "updated_at": current_time()}
    if ends_sessions:
        values["session_epoch"] = F("session_epoch") + 1
    plain_accounts().filter(pk__among=ids).update(**values)


def end_restored_sessions(images: dict[int, dict[str, Any]]) -> None:
    """Ends the sessions of the accounts with these before-images. The sign-in page says that the
    account was suspended or deleted, if it is so again.
    """
    by_event: dict[str, list[int]] = defaultdict(list)
    for pk, image in images.items():
        by_event[STATUS_EVENTS.get(image["status"], "")].append(pk)
    for event, ids in by_event.items():
        store.delete_sessions_of(ids, event=event)


def later_changes(ids: set[int], items: dict[Any, JobItem]) -> dict[int, Remark]:
    """Returns a remark by account id on the last change after the undone job, from the events."""
    events = AuditEvent.objects.filter(target_id__among=sorted(ids)).exclude(action="denied")
    last: dict[Any, Any] = {}
    for event in events.order_by("id").values(*EVENT_COLUMNS).iterator():
        if (event["target_version"] or 0) > (items[event["target_id"]].version or 0):
            last[event["target_id"]] = event
    return {pk: change_remark(last.get(pk)) for pk in ids}


def change_remark(event: dict[str, Any] | None) -> Remark:
    """Returns the reason to skip an account that was changed since. It holds the actor's id; their
    name only if the actor is not an account.
    """
    if event is None:
        return Remark("changed_outside")
    details = {"action": event["action"], "at": event["at"].isoformat()}
    if event["actor_id"] is None:
        details["actor"] = event["actor_text"]
    return Remark("changed_since", event["actor_id"], details)


# --- start of an undo -----------------------------------------------------------------------------


def undo_job(job: Job, *, by: Any, reason: str, key: str = "") -> Job:
    """Starts the undo of `job` and returns it; returns the existing one if `by` has used `key`
    before. Raises access.Denied or JobRefused.
    """
    with transaction.atomic():
        if key and by.pk and (existing := Job.objects.filter(by=by.pk, key=key).first()):
            return existing
        job = transitions.lock_job(job)
        refusal = undo_refusal(job)
        if refusal:
            raise JobRefused(refusal)
        return engine.start_job(
            UNDO_KINDS[job.kind],
            by=by,
            selection=f"job={job.pk}&outcome={JobItem.Outcome.CHANGED}",
            words=f"accounts changed by job {job.pk}",
            up_to=last_changed_id(job),
            expected=job.changed,
            reason=reason,
            parameters={"of": job.pk},
            parent=job,
            key=key,
        )


def last_changed_id(job: Job) -> int:
    """Returns the highest id of the accounts that the job has changed. Its `up_to` may be about
    something else, such as the rows of a file.
    """
    changed = job.items.filter(outcome=JobItem.Outcome.CHANGED).order_by("-account_id")
    return changed.values_list("account_id", flat=True).first() or 0


# --- old before-images ----------------------------------------------------------------------------


def forget_old_images() -> int:
    """Removes the before-images of jobs that ended too long ago to be undone. Outcomes stay.
    Returns the number of jobs, at most FORGET_JOBS.
    """
    expired = Job.objects.filter(forgotten_at=None, ended_at__lt=oldest_undoable())
    jobs = expired.order_by("ended_at")[:FORGET_JOBS]
    for job in jobs:
        forget_images(job)
        Job.objects.filter(pk=job.pk).update(forgotten_at=current_time())
    return len(jobs)


def forget_images(job: Job) -> None:
    """Removes the before-images of a job, FORGET_BATCH accounts at a time."""
    account_ids = job.items.order_by("account_id").values_list("account_id", flat=True)
    last = 0
    while ids := list(account_ids.filter(account_id__gt=last)[:FORGET_BATCH]):
        last = ids[-1]
        job.items.filter(account_id__among=ids, before__isnull=False).update(before=None)
