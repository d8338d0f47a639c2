"""Writes a campaign that was sent and a draft, with the rows that their use would have left."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.campaigns.announcement_job import ANNOUNCE
from users.campaigns.models import Campaign, CampaignSample
from users.campaigns.queueing import new_announcement
from users.campaigns.recipients import ANNOUNCEMENT_OBSTACLES
from users.demo.delivery_reports import write_reports
from users.directory.selection_bar import MAX_TICKED
from users.jobs.kinds import CHUNK_OUTCOMES
from users.jobs.models import Job, JobItem, JobLine
from users.jobs.transitions import COUNTS
from users.mail.models import Letter, Message
from users.models import State, User
from users.verbs.obstacles import find_obstacle

SENT_DAYS_AGO = 3
DRAFTED_DAYS_AGO = 1
SECONDS_BETWEEN = 17
# What became of the emails, by their position; the others were delivered.
OUTCOMES = {
    3: ("sent", "bounced", ""),
    7: ("sent", "soft-bounced", ""),
    12: ("sent", "complained", ""),
    19: ("failed", "", "552 5.2.2 The mailbox is full."),
    31: ("unknown", "", "Connection unexpectedly closed"),
    40: ("sent", "", ""),
}
DELIVERED = ("sent", "delivered", "")
SENT_TEXT = (
    "Our new terms of use",
    "Dear {name},\n\nOur terms of use change on the first of next month. They will be shorter and "
    "explain more clearly how we store your data.\n\nYou don’t need to do anything.",
)
DRAFT_TEXT = (
    "A short survey for you, {first_name}",
    "Dear {name},\n\nDo you have five minutes? Your answers help us improve.",
)


def write_campaigns(first_id: int, by: User, until: datetime) -> list[AuditEvent]:
    """Writes the rows of both campaigns. Returns their events, which are not stored."""
    newest = User.objects.filter(pk__gte=first_id).order_by("-pk")
    # The report about an email is the last change of its account: nothing may have changed later.
    unchanged = newest.exclude(status=State.SUSPENDED).exclude(must_change_password=True)
    accounts = unchanged[:MAX_TICKED]
    people = sorted(accounts, key=lambda account: account.pk)
    if not people:
        return []
    query = urlencode([("ids", account.pk) for account in people])
    at = until - timedelta(days=SENT_DAYS_AGO, hours=-10)
    sent = make_campaign("New terms of use", SENT_TEXT, query, by, at)
    events = [campaign_event(sent, "created", by, at)]
    events += send_campaign(sent, people, by, at + timedelta(minutes=9))
    later = until - timedelta(days=DRAFTED_DAYS_AGO, hours=-14)
    draft = make_campaign("Survey", DRAFT_TEXT, "all=1&announcements=yes", by, later)
    return [*events, campaign_event(draft, "created", by, later)]


def make_campaign(name: str, text: tuple[str, str], query: str, by: User, at: datetime) -> Campaign:
    letter = Letter.objects.create(
        subject=text[0], text=text[1], is_bulk=True, has_markup=True, created_at=at
    )
    return Campaign.objects.create(
        name=name,
        letter=letter,
        query=query,
        created_by_id=by.pk,
        created_at=at,
    )


def send_campaign(
    campaign: Campaign, people: list[User], by: User, at: datetime
) -> list[AuditEvent]:
    """Writes the job, its skipped accounts, the messages and the counts."""
    obstacles = {one.pk: find_obstacle(one, ANNOUNCEMENT_OBSTACLES) for one in people}
    skips = {pk: found.sentence for pk, found in obstacles.items() if found}
    reached = [account for account in people if account.pk not in skips]
    job = make_job(campaign, people, len(reached), by, at)
    write_skips(job, skips)
    messages = make_messages(campaign, reached, at)
    campaign.job_id = job.pk
    campaign.state = Campaign.State.DONE
    campaign.started_at = at
    campaign.ended_at = at + timedelta(seconds=SECONDS_BETWEEN * len(reached) + 60)
    campaign.skipped = dict(Counter(skips.values()))
    campaign.counts = grouped_counts(messages)
    campaign.counted_at = campaign.ended_at
    campaign.save()
    write_samples(campaign, messages)
    return sent_events(campaign, job, by, at) + write_reports(messages)


def sent_events(campaign: Campaign, job: Job, by: User, at: datetime) -> list[AuditEvent]:
    values = {"kind": job.kind, "selection": job.words}
    counts = {name: getattr(job, name) for name in COUNTS}
    end = at + timedelta(seconds=1)
    return [
        demo_event("job.started", by, at, values | {"state": "queued"}, job.pk),
        campaign_event(campaign, "started", by, at, selection=job.words),
        demo_event("job.done", by, end, values | {"state": "done"} | counts, job.pk),
    ]


def write_skips(job: Job, skips: dict[int, str]) -> None:
    skipped = JobItem.Outcome.SKIPPED
    items = [
        JobItem(job=job, account_id=pk, outcome=skipped, reason=reason)
        for pk, reason in skips.items()
    ]
    JobItem.objects.bulk_create(items)


def make_job(campaign: Campaign, people: list[User], reached: int, by: User, at: datetime) -> Job:
    end = at + timedelta(seconds=1)
    last_id = people[-1].pk
    job = Job.objects.create(
        kind=ANNOUNCE.name,
        by=by,
        by_text=str(by),
        selection=campaign.query,
        words=f"{len(people)} selected accounts",
        parameters={"campaign": campaign.pk},
        state=Job.State.DONE,
        up_to=last_id,
        cursor=last_id,
        attempt=2,
        **job_numbers(len(people), reached),
        as_of=at,
        created_at=at,
        started_at=at,
        ended_at=end,
    )
    outcomes = {name: getattr(job, name) for name in CHUNK_OUTCOMES}
    JobLine.objects.create(job=job, code="queued", at=at)
    JobLine.objects.create(job=job, code="done", details=outcomes, at=end)
    return job


def job_numbers(selected: int, reached: int) -> dict[str, int]:
    return {
        "expected": selected,
        "planned": reached,
        "selected": selected,
        "unchanged": reached,
        "skipped": selected - reached,
    }


def make_messages(campaign: Campaign, reached: list[User], at: datetime) -> list[Message]:
    """Writes the messages, of which one was sent every SECONDS_BETWEEN."""
    messages = []
    for number, account in enumerate(reached):
        sent_at = at + timedelta(seconds=SECONDS_BETWEEN * (number + 1))
        message = new_announcement(
            campaign.letter_id,
            account=account,
            to=account.email,
            attempts=1,
            created_at=at,
            due_at=at,
        )
        message.state, message.fate, message.error = OUTCOMES.get(number, DELIVERED)
        if message.state == Message.State.SENT:
            message.sent_at = sent_at
        if message.fate:
            message.fate_at = sent_at + timedelta(seconds=3)
        messages.append(message)
    return Message.objects.bulk_create(messages)


def grouped_counts(messages: list[Message]) -> list[list[Any]]:
    found = Counter((str(message.state), str(message.fate)) for message in messages)
    return [[state, fate, number] for (state, fate), number in sorted(found.items())]


def write_samples(campaign: Campaign, messages: list[Message]) -> None:
    """Writes the counts of each minute, as the worker would have stored them."""
    start = campaign.started_at or campaign.created_at
    at = start.replace(second=0, microsecond=0)
    samples = []
    while at < (campaign.ended_at or at):
        until = at + timedelta(minutes=1)
        passed = messages[: int((until - start).total_seconds() / SECONDS_BETWEEN)]
        samples.append(CampaignSample(campaign=campaign, at=at, counts=grouped_counts(passed)))
        at = until
    CampaignSample.objects.bulk_create(samples)


def campaign_event(
    campaign: Campaign, verb: str, by: User, at: datetime, **more: Any
) -> AuditEvent:
    state = Campaign.State.QUEUEING if verb == "started" else Campaign.State.DRAFT
    after = {"campaign": campaign.pk, "name": campaign.name, "letter": campaign.letter_id}
    if verb == "created":
        more["query"] = campaign.query
    values = after | {"state": state} | more
    return demo_event(f"campaign.{verb}", by, at, values, campaign.job_id)


def demo_event(
    action: str, by: User, at: datetime, after: dict[str, Any], job_id: int | None
) -> AuditEvent:
    event = build_event(action, actor=by, after=after, job_id=job_id)
    event.at = at
    return event
