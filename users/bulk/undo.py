"""Undo: a job over the before-images of another one. Each account is put back whose version is
still that job's; the others are listed with who changed them since. What an undo did can be undone
in turn.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from users import access
from users.audit.actions import ACTIONS
from users.audit.models import AuditEvent
from users.bulk.action import BY_NOUN, Action
from users.bulk.events import write
from users.bulk.lock import admitted, plain_accounts
from users.bulk.selected import Selected
from users.jobs import engine
from users.jobs.kinds import KINDS, Chunk, Offer, register
from users.jobs.models import Job, JobItem
from users.sessions import store

EVENT = "account.undone"
FORGOTTEN = "What this account was before is no longer known."
EACH = 2000  # accounts in one statement
FORGOTTEN_AT_ONCE = 100
State = Job.State


class Undo(Selected):
    """Takes back what jobs of another kind did; `action` is the right that it takes. The job's
    parameter `of`: which job.
    """

    four_eyes = "above"

    def __init__(self, name: str, label: str, action: str, of: Action):
        # type: ignore[misc]
        self.name = name
        self.label = label
        self.action = action
        self.of = of

    def title(self, job: Job) -> str:
        return f"{self.label} of job {job.parameters['of']}"

    def offers(self, job: Job, viewer: Any) -> list[Offer]:
        return offers(job, viewer)

    def run(self, chunk: Chunk) -> None:
        ids = admitted(chunk, self.action, takes_keys=True)
        found = JobItem.objects.filter(job=chunk.job.parameters["of"], account_id__among=ids)
        items = {item.account_id: item for item in found}
        old = self.of.states(ids)
        changed_since = {pk for pk in ids if old[pk]["version"] != items[pk].version}
        reasons = who_changed(changed_since, items)
        reasons |= {
            pk: FORGOTTEN for pk in ids if pk not in changed_since and items[pk].before is None
        }
        images = {pk: dict(items[pk].before or {}) for pk in ids if pk not in reasons}
        reasons |= self.of.objections(chunk.by, images, old)
        for pk, reason in reasons.items():
            chunk.skipped(pk, reason)
            images.pop(pk, None)
        self.of.put_back(images)
        touch(list(images), ends_sessions=self.of.undo_ends_sessions)
        new = self.of.states(list(images))
        write(chunk, EVENT, [self.of.written(old[pk], new[pk]) for pk in images])


def touch(ids: list[int], *, ends_sessions: bool) -> None:
    accounts = plain_accounts().filter(pk__among=ids)
    epoch = F("session_epoch") + (1 if ends_sessions else 0)
    accounts.update(version=F("version") + 1, updated_at=timezone.now(), session_epoch=epoch)
    if ends_sessions:
        store.end_all_of(ids)


def who_changed(ids: set[int], items: dict[Any, JobItem]) -> dict[int, str]:
    """Whoever changed them last, from the events."""
    events = (
        AuditEvent.objects.filter(target_id__among=sorted(ids))
        .exclude(action="denied")
        .order_by("id")
    )
    last: dict[Any, Any] = {}
    for event in events.values(
        "target_id", "target_version", "actor_text", "action", "at"
    ).iterator():
        if (event["target_version"] or 0) > (items[event["target_id"]].version or 0):
            last[event["target_id"]] = event
    return {pk: in_words(last.get(pk)) for pk in ids}


def in_words(event: dict[str, Any] | None) -> str:
    if event is None:
        return "Changed since, outside of Rollcall."
    what = ACTIONS.get(event["action"], event["action"])
    return f"Changed since by {event['actor_text']}: {what}, {event['at']:%-d %b %Y, %H:%M} UTC."


# --- starting one ---------------------------------------------------------------------------------

UNDO_OF: dict[str, str] = {}  # kind of a job → the kind that takes it back


def offer_undo(action: Action) -> None:
    """Undo of the action, undo of that undo, and so on."""
    undo = f"undo-{action.name}"
    redo = f"redo-{action.name}"
    register(Undo(undo, f"Undo “{action.label}”", action.undo_action, action))
    register(Undo(redo, f"Undo an undo of “{action.label}”", action.action, action))
    UNDO_OF.update({action.name: undo, undo: redo, redo: undo})


def undo(job: Job, *, by: Any, reason: str, key: str = "") -> Job:
    """The job that takes `job` back. Raises access.Denied or engine.Refused."""
    with transaction.atomic():
        if key and by.pk and (again := Job.objects.filter(by=by.pk, key=key).first()):
            return again
        job = engine.lock(job)
        if why := objection(job):
            raise engine.Refused(why)
        return engine.start(
            UNDO_OF[job.kind],
            by=by,
            selection=f"job={job.pk}&outcome={JobItem.Outcome.CHANGED}",
            words=f"those that job {job.pk} changed",
            up_to=job.up_to,
            expected=job.changed,
            reason=reason,
            parameters={"of": job.pk},
            parent=job,
            key=key,
        )


def objection(job: Job) -> str:
    """Why this job can't be taken back, in a sentence; "" where it can."""
    if job.kind not in UNDO_OF:
        return "What this job does can’t be taken back."
    if not job.has_ended:
        return "This job has not ended. Wait for its end, or cancel it first."
    if not job.changed:
        return "This job has changed nothing."
    if forgotten(job):
        return f"This job ended more than {settings.BULK_UNDO_DAYS} days ago: what the accounts were before is no longer kept."
    if other := job.children.filter(kind=UNDO_OF[job.kind]).exclude(state=State.CANCELLED).first():
        return f"{'Job' if other.has_ended else 'At this moment job'} {other.pk} takes this one back already."
    return ""


def offers(job: Job, viewer: Any) -> list[Offer]:
    """What can be done with a bulk job, beside what can be done with any: links on its page."""
    found = []
    if (
        job.state == Job.State.WAITING
        and viewer.pk != job.by_id
        and access.may(viewer, "approve_bulk")
    ):
        found.append(Offer(f"/jobs/{job.pk}/approval/", "Approve or decline", "check"))
    if job.has_ended and not objection(job) and access.may(viewer, KINDS[UNDO_OF[job.kind]].action):
        found.append(Offer(f"/jobs/{job.pk}/undo/", "Undo", "undo"))
    return found


def forgotten(job: Job) -> bool:
    return job.forgotten_at is not None or (job.ended_at or timezone.now()) < oldest_kept()


def forget() -> int:
    """Removes what accounts were before jobs that ended too long ago to be taken back; of how many
    jobs. Outcomes stay.
    """
    old = Job.objects.filter(forgotten_at=None, ended_at__lt=oldest_kept()).order_by("ended_at")[
        :FORGOTTEN_AT_ONCE
    ]
    for job in old:
        forget_images(job)
        Job.objects.filter(pk=job.pk).update(forgotten_at=timezone.now())
    return len(old)


def forget_images(job: Job) -> None:
    last = 0
    while ids := list(
        job.items.filter(account_id__gt=last)
        .order_by("account_id")
        .values_list("account_id", flat=True)[:EACH]
    ):
        last = ids[-1]
        job.items.filter(account_id__among=ids, before__isnull=False).update(before=None)


def until(job: Job) -> datetime | None:
    """How long it can be taken back."""
    return job.ended_at + timedelta(days=settings.BULK_UNDO_DAYS) if job.ended_at else None


def oldest_kept() -> datetime:
    return timezone.now() - timedelta(days=settings.BULK_UNDO_DAYS)


for each in BY_NOUN.values():
    if each.undo_action:
        offer_undo(each)
