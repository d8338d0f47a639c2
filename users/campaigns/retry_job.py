"""The kind of job that queues the failed messages of a campaign again."""

from typing import Any, ClassVar

from django.db import transaction

from users import access
from users.campaigns.announcement_job import reopen_campaign
from users.campaigns.lifecycle import (
    SEND_CAMPAIGNS,
    State,
    lock_campaign,
    record_campaign,
    refuse_unless_state,
    save_campaign,
)
from users.campaigns.models import Campaign
from users.campaigns.queueing import report_skips
from users.campaigns.recipients import CAMPAIGN_CANCELLED
from users.database.clock import database_now
from users.exceptions import JobRefused
from users.jobs.engine import start_job
from users.jobs.kinds import Chunk, IdWindow, JobKind, JobLink
from users.jobs.models import OPEN_STATES, Job
from users.jobs.tasks import enqueue_delivery
from users.mail.models import Message

FAILED = Message.State.FAILED
NOT_FAILED = "This email no longer has the status “Failed”."


class RetryAnnouncement(JobKind):
    """Walks the messages by account. Those of unknown outcome are not sent again."""

    name: ClassVar[str] = "retry-announcement"
    label = "Retry failed emails"
    action = SEND_CAMPAIGNS
    first_chunk_size = 2_000

    def count_labels(self) -> dict[str, str]:
        return {
            "changed": "",
            "unchanged": "Queued again",
        }

    def facts(self, job: Job) -> list[tuple[str, str]]:
        campaign = Campaign.objects.filter(pk=job.parameters.get("campaign")).first()
        return [("Campaign", campaign.name)] if campaign else []

    def links(self, job: Job, viewer: Any) -> list[JobLink]:
        return [JobLink(f"/mail/campaigns/{job.parameters['campaign']}/", "Campaign", "mail")]

    def window(self, job: Job, size: int) -> IdWindow:
        """Returns the failed among the next `size` messages, in the order of a unique index."""
        later = letter_messages(job).filter(account_id__gt=job.cursor).order_by("account_id")
        rows = list(later.values_list("account_id", "state")[:size])
        failed = [pk for pk, state in rows if state == FAILED]
        return IdWindow(failed, until=rows[-1][0] if len(rows) == size else job.up_to)

    def count(self, job: Job, limit: int) -> int:
        return letter_messages(job).filter(state=FAILED)[:limit].count()

    def fingerprint(self, job: Job) -> tuple[int, str]:
        """Returns no digest, since the job needs no approval."""
        return self.count(job, 1), ""

    def run(self, chunk: Chunk) -> None:
        campaign = Campaign.objects.get(pk=chunk.job.parameters["campaign"])
        if campaign.state == State.CANCELLED:
            report_skips(chunk, dict.fromkeys(chunk.ids, CAMPAIGN_CANCELLED))
            return
        queued = queue_again(letter_messages(chunk.job).filter(account_id__among=chunk.ids))
        chunk.unchanged(len(queued))
        report_skips(chunk, {pk: NOT_FAILED for pk in chunk.ids if pk not in queued})
        reopen_campaign(campaign.pk)
        enqueue_delivery()


def queue_again(messages: Any) -> set[int]:
    """Queues those of the messages that have failed, and returns the ids of their accounts."""
    failed = messages.filter(state=FAILED)
    ids = set(failed.select_for_update(of=("self",)).values_list("account_id", flat=True))
    failed.filter(account_id__among=ids).update(
        state=Message.State.WAITING,
        attempts=0,
        error="",
        waiting_reason="",
        due_at=database_now(),
    )
    return ids


def letter_messages(job: Job) -> Any:
    return Message.objects.filter(letter_id=job.parameters["letter"])


def retry_failed_messages(campaign: Campaign, *, by: Any) -> Job:
    """Starts a job that queues the failed messages again. Raises JobRefused."""
    access.require(by, SEND_CAMPAIGNS)
    with transaction.atomic():
        current = lock_campaign(campaign)
        refuse_unless_state(current, State.SENDING, State.PAUSED, State.DONE, to="be retried")
        refuse_second_retry(current)
        messages = Message.objects.filter(letter_id=current.letter_id)
        failed = messages.filter(state=FAILED).count()
        if not failed:
            raise JobRefused("This campaign has no failed emails.")
        last = messages.order_by("-account_id").values_list("account_id", flat=True)[0]
        job = start_job(
            RetryAnnouncement.name,
            by=by,
            words=f"failed emails of campaign {current.pk}",
            up_to=last,
            expected=failed,
            parameters={"campaign": current.pk, "letter": current.letter_id},
        )
        # The numbers that pages share are those of the version.
        save_campaign(current)
        record_campaign(current, "retried", by, messages=failed)
    return job


def refuse_second_retry(campaign: Campaign) -> None:
    jobs = Job.objects.filter(state__in=OPEN_STATES, kind=RetryAnnouncement.name)
    if jobs.filter(parameters__campaign=campaign.pk).exists():
        raise JobRefused("The failed emails are already being queued again.")
