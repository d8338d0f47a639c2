"""The kind of job that queues the messages of a campaign.

It changes no account. So an account gets no event: the campaign has them, and the message is the
record on the page of the person.
"""

from collections import Counter
from typing import Any

from django.db.models import F, QuerySet

from users.bulk.account_locks import lock_permitted, plain_accounts
from users.bulk.condition_action import ConditionAction
from users.campaigns.forms import CampaignStartForm
from users.campaigns.models import Campaign
from users.campaigns.queueing import queue_messages, report_skips
from users.campaigns.recipients import (
    ANNOUNCEMENT_OBSTACLES,
    CAMPAIGN_CANCELLED,
    SUPPRESSED,
    suppressed_addresses,
)
from users.database.clock import current_time
from users.jobs.kinds import Chunk, JobLink
from users.jobs.models import Job
from users.jobs.queue import task_queue
from users.jobs.tasks import enqueue_delivery
from users.mail.languages import language_name
from users.mail.models import Letter

UPDATE_TASK = "users.campaigns.tasks.update_campaigns"


class QueueAnnouncement(ConditionAction):
    """Adds a message for each selected account that may get one."""

    name = "announce"
    label = "Send announcement"
    action = "send_campaigns"
    event = ""
    slug = "announcement"
    question_format = "Send announcement to {}?"
    outcome_phrase = "sent the announcement"
    explanation = "Everyone gets a separate email. Individual emails are sent before bulk ones."
    icon = "mail"
    form = CampaignStartForm
    has_impact = False
    obstacles = ANNOUNCEMENT_OBSTACLES

    @property
    def url(self) -> str:
        return "/mail/campaigns/new/"

    def account_count(self, job: Job) -> int | None:
        if job.state == Job.State.DONE:
            return job.unchanged
        return job.expected if job.planned is None else job.planned

    def count_labels(self) -> dict[str, str]:
        return {"changed": "", "unchanged": "Queued"}

    def facts(self, job: Job) -> list[tuple[str, str]]:
        campaign = find_campaign(job)
        if campaign is None:
            return []
        letter = campaign.letter
        facts = [
            ("Campaign", campaign.name),
            ("Subject", letter.subject),
            ("Text", letter.text or "removed"),
        ]
        for tag, translation in sorted(letter.translations.items()):
            language = language_name(tag)
            facts.append((f"Subject in {language}", translation["subject"]))
            facts.append((f"Text in {language}", translation["text"]))
        return facts

    def links(self, job: Job, viewer: Any) -> list[JobLink]:
        found = super().links(job, viewer)
        if campaign_id := job.parameters.get("campaign"):
            found.append(JobLink(f"/mail/campaigns/{campaign_id}/", "Campaign", "mail"))
        return found

    def further_skips(self, accounts: QuerySet[Any]) -> list[tuple[int, str]]:
        suppressed = suppressed_addresses(accounts.values_list("email", flat=True))
        return [(len(suppressed), SUPPRESSED)] if suppressed else []

    def run(self, chunk: Chunk) -> None:
        campaign = Campaign.objects.get(pk=chunk.job.parameters["campaign"])
        if campaign.state == Campaign.State.CANCELLED:
            # A retry of accounts that failed, after the cancellation.
            report_skips(chunk, dict.fromkeys(chunk.ids, CAMPAIGN_CANCELLED))
            return
        ids = lock_permitted(chunk, self.action, can_disable_superusers=False)
        recipients, skips = self.split_accounts(chunk.job, ids)
        queue_messages(campaign.letter_id, recipients)
        chunk.unchanged(len(recipients))
        report_skips(chunk, skips)
        add_skips(campaign.pk, skips)
        reopen_campaign(campaign.pk)
        if recipients:
            enqueue_delivery()

    def split_accounts(self, job: Job, ids: list[int]) -> tuple[dict[int, str], dict[int, str]]:
        """Returns the addresses of those of the accounts that get a message, and the reasons for
        the others, by ID.
        """
        accounts = plain_accounts().filter(pk__among=ids).order_by("pk")
        rows = self.with_skip_reasons(accounts, job, current_time())
        recipients = {}
        skips = {}
        for pk, address, reason in rows.values_list("pk", "email", "skip_reason"):
            if reason:
                skips[pk] = reason
            else:
                recipients[pk] = address
        if suppressed := suppressed_addresses(recipients.values()):
            for pk in [pk for pk, address in recipients.items() if address in suppressed]:
                del recipients[pk]
                skips[pk] = SUPPRESSED
        return recipients, skips

    def ended(self, job: Job) -> None:
        queueing = Campaign.objects.filter(job_id=job.pk, state=Campaign.State.QUEUEING)
        queueing.update(state=Campaign.State.SENDING)

    def cancelled(self, job: Job) -> None:
        """Cancels the campaign, also where the job was declined or cancelled on its own page."""
        mark_cancelled(Campaign.objects.filter(job_id=job.pk))


def find_campaign(job: Job) -> Campaign | None:
    campaigns = Campaign.objects.select_related("letter")
    return campaigns.filter(pk=job.parameters.get("campaign")).first()


def add_skips(campaign_id: int, skips: dict[int, str]) -> None:
    """Adds the skipped accounts of a chunk to the numbers by reason. The chunk's transaction holds
    the lock of the job, so no other one does so too.
    """
    if not skips:
        return
    campaign = Campaign.objects.select_for_update().get(pk=campaign_id)
    numbers = Counter(campaign.skipped) + Counter(skips.values())
    campaign.skipped = dict(numbers)
    campaign.save(update_fields=["skipped"])


def reopen_campaign(campaign_id: int) -> None:
    """Lets a finished campaign send messages that wait again. It may have finished just now, so its
    state is compared in the update.
    """
    done = Campaign.objects.filter(pk=campaign_id, state=Campaign.State.DONE)
    done.update(
        state=Campaign.State.SENDING,
        ended_at=None,
        version=F("version") + 1,
    )


def mark_cancelled(campaigns: QuerySet[Campaign]) -> None:
    """Stops the sending of an unfinished campaign at once. A worker drops its messages."""
    campaign = campaigns.select_for_update().first()
    if campaign is None or not campaign.is_open:
        return
    now = current_time()
    Letter.objects.filter(pk=campaign.letter_id).update(paused_at=now)
    campaign.state = Campaign.State.CANCELLED
    campaign.ended_at = now
    campaign.version += 1
    campaign.save(update_fields=["state", "ended_at", "version"])
    task_queue.enqueue_task(UPDATE_TASK)


ANNOUNCE = QueueAnnouncement()
