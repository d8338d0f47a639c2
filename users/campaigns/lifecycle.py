"""Creates, starts, pauses, resumes and cancels campaigns. Each verb checks access, changes the rows
and writes an event in one transaction.

A job's row is locked before its campaign's, as in a chunk of the job.
"""

from typing import Any

from django.db import transaction

from users import access
from users.audit.actions import register_label
from users.audit.record import record_event
from users.bulk.action import start_bulk_job
from users.bulk.selection import Selection
from users.bulk.selection_count import SelectionCount
from users.campaigns.announcement_job import ANNOUNCE, mark_cancelled
from users.campaigns.models import Campaign, EmailTemplate
from users.database.clock import current_time
from users.exceptions import JobRefused
from users.jobs.models import Job
from users.jobs.remarks import remark_by
from users.jobs.tasks import enqueue_delivery
from users.jobs.transitions import add_line, enter_state, lock_job, record_job_event
from users.mail.models import Letter

State = Campaign.State
SEND_CAMPAIGNS = "send_campaigns"
LETTER_COLUMNS = ("subject", "text", "not_before", "hours", "per_minute")
EVENT_LABELS = {
    "campaign.created": "Created a campaign",
    "campaign.changed": "Changed a campaign",
    "campaign.discarded": "Discarded a campaign",
    "campaign.started": "Started a campaign",
    "campaign.paused": "Paused a campaign",
    "campaign.resumed": "Resumed a campaign",
    "campaign.cancelled": "Cancelled a campaign",
    "campaign.retried": "Retried failed emails of a campaign",
}
for action, label in EVENT_LABELS.items():
    register_label(action, label)


class StaleCampaign(Exception):
    """The campaign has changed since the version that the user saw. `current` is its new state."""

    def __init__(self, current: Campaign):
        super().__init__(f"Campaign {current.pk} is at version {current.version}.")
        self.current = current


def create_campaign(
    *, by: Any, values: dict[str, Any], template: EmailTemplate | None = None
) -> Campaign:
    """Creates a draft. `values`: those of CampaignForm."""
    access.require(by, SEND_CAMPAIGNS)
    with transaction.atomic():
        letter = Letter.objects.create(
            is_bulk=True,
            has_markup=True,
            translations=valid_translations(template, values),
            **letter_values(values),
        )
        campaign = Campaign.objects.create(
            name=values["name"],
            query=values["query"],
            letter=letter,
            template=template,
            created_by_id=by.pk,
        )
        record_campaign(campaign, "created", by, **event_values(values))
    return campaign


def change_campaign(
    campaign: Campaign, *, by: Any, version: int, values: dict[str, Any]
) -> Campaign:
    """Changes a draft. Raises StaleCampaign or JobRefused."""
    access.require(by, SEND_CAMPAIGNS)
    with transaction.atomic():
        current = lock_campaign(campaign)
        refuse_unless_state(current, State.DRAFT, to="be changed")
        if current.version != version:
            raise StaleCampaign(current)
        translations = valid_translations(current.letter, values)
        letters = Letter.objects.filter(pk=current.letter_id)
        letters.update(translations=translations, **letter_values(values))
        current.name = values["name"]
        current.query = values["query"]
        save_campaign(current, "name", "query")
        record_campaign(current, "changed", by, **event_values(values))
    return current


def discard_campaign(campaign: Campaign, *, by: Any) -> None:
    """Deletes a draft with its text."""
    access.require(by, SEND_CAMPAIGNS)
    with transaction.atomic():
        current = lock_campaign(campaign)
        refuse_unless_state(current, State.DRAFT, to="be discarded")
        record_campaign(current, "discarded", by)
        current.delete()
        Letter.objects.filter(pk=current.letter_id).delete()


def start_campaign(
    campaign: Campaign, selection: Selection, count: SelectionCount, *, by: Any, draft: Job
) -> Job:
    """Starts the job that queues the messages. `draft`: its reason and key, not stored. Raises
    JobRefused.
    """
    access.require(by, SEND_CAMPAIGNS)
    with transaction.atomic():
        current = lock_campaign(campaign)
        refuse_unless_state(current, State.DRAFT, to="be started")
        if current.version != campaign.version:
            raise JobRefused("Someone has just changed this draft. Reload the page to see it.")
        job = start_bulk_job(ANNOUNCE, selection, count, by=by, draft=draft)
        current.state = State.QUEUEING
        current.job_id = job.pk
        current.started_at = current_time()
        save_campaign(current, "state", "job_id", "started_at")
        record_campaign(current, "started", by, reason=job.reason, selection=job.words)
    return job


def pause_campaign(campaign: Campaign, *, by: Any) -> None:
    """Stops the sending. Messages are still added to the outbox, and wait there."""
    access.require(by, SEND_CAMPAIGNS)
    with transaction.atomic():
        current = lock_campaign(campaign)
        refuse_unless_state(current, State.QUEUEING, State.SENDING, to="be paused")
        Letter.objects.filter(pk=current.letter_id).update(paused_at=current_time())
        current.state = State.PAUSED
        save_campaign(current, "state")
        record_campaign(current, "paused", by)


def resume_campaign(campaign: Campaign, *, by: Any) -> None:
    access.require(by, SEND_CAMPAIGNS)
    with transaction.atomic():
        # Locked, so that the end of the job finds the state before or after this.
        job = lock_queueing_job(campaign)
        current = lock_campaign(campaign)
        refuse_unless_state(current, State.PAUSED, to="be resumed")
        Letter.objects.filter(pk=current.letter_id).update(paused_at=None)
        is_queueing = job is not None and not job.has_ended
        current.state = State.QUEUEING if is_queueing else State.SENDING
        save_campaign(current, "state")
        record_campaign(current, "resumed", by)
        enqueue_delivery()


def cancel_campaign(campaign: Campaign, *, by: Any) -> None:
    """Ends the campaign: nothing more is added to the outbox or sent, and a worker drops what
    waits.
    """
    access.require(by, SEND_CAMPAIGNS)
    with transaction.atomic():
        job = lock_queueing_job(campaign)
        current = lock_campaign(campaign)
        refuse_unless_state(current, State.QUEUEING, State.SENDING, State.PAUSED, to="be cancelled")
        if job is not None and not job.has_ended:
            enter_state(job, Job.State.CANCELLED)
            record_job_event(job, "job.cancelled", by)
            add_line(job, remark_by(by, "cancelled"))
        mark_cancelled(Campaign.objects.filter(pk=campaign.pk))
        current.refresh_from_db()
        record_campaign(current, "cancelled", by)


# --- helpers --------------------------------------------------------------------------------------


def lock_campaign(campaign: Campaign) -> Campaign:
    """Returns the campaign as stored, locked. Raises JobRefused if it is gone."""
    current = Campaign.objects.select_for_update(of=("self",)).filter(pk=campaign.pk).first()
    if current is None:
        raise JobRefused("This campaign was discarded.")
    return current


def lock_queueing_job(campaign: Campaign) -> Job | None:
    """Locks and returns the job that queues the messages. Waits for the end of its chunk."""
    job = Job.objects.filter(pk=campaign.job_id or 0).first()
    return lock_job(job) if job else None


def refuse_unless_state(campaign: Campaign, *states: State, to: str) -> None:
    if campaign.state not in states:
        state = campaign.get_state_display().lower()
        raise JobRefused(f"This campaign is {state}; it can’t {to}.")


def save_campaign(campaign: Campaign, *columns: str) -> None:
    campaign.version += 1
    campaign.save(update_fields=[*columns, "version"])


def valid_translations(
    source: EmailTemplate | Letter | None, values: dict[str, Any]
) -> dict[str, dict[str, str]]:
    """Returns the translations of a text; {} if the form has changed the text, as recipients would
    get translations of another one.
    """
    if source is None or (source.subject, source.text) != (values["subject"], values["text"]):
        return {}
    return dict(source.translations)


def letter_values(values: dict[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in LETTER_COLUMNS}


def event_values(values: dict[str, Any]) -> dict[str, Any]:
    """Returns what events record of a form. The text stands in the letter alone."""
    shown = ("query", "not_before", "hours", "per_minute")
    return {name: values[name] for name in shown if values[name]}


def record_campaign(
    campaign: Campaign, verb: str, by: Any, *, reason: str = "", **after: Any
) -> None:
    """Records an event of a campaign with its name, its letter and its state, and with the ticket
    of its job.
    """
    tickets = Job.objects.filter(pk=campaign.job_id or 0).values_list("ticket", flat=True)
    shared = {
        "campaign": campaign.pk,
        "name": campaign.name,
        "letter": campaign.letter_id,
    }
    record_event(
        f"campaign.{verb}",
        actor=by,
        after=shared | {"state": campaign.state} | after,
        reason=reason,
        ticket=tickets.first() or "",
        job_id=campaign.job_id,
    )
