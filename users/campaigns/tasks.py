"""The task that updates campaigns: it counts their messages, marks those as finished of which no
message waits, and drops the messages of cancelled ones.
"""

import time
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from users.campaigns.announcement_job import UPDATE_TASK, reopen_campaign
from users.campaigns.counts import store_counts
from users.campaigns.models import OPEN_STATES, Campaign
from users.campaigns.recipients import CAMPAIGN_CANCELLED
from users.database.clock import current_time
from users.jobs.queue import task_queue
from users.mail.models import Message

# A message that was being sent during a cancellation may wait again afterwards.
UPDATED_DAYS = 7
# Events of providers arrive for days. An ended campaign is counted again so often, in minutes.
ENDED_MINUTES = 30
TASK_SECONDS = 20
DROP_BATCH = 5_000


def update_campaigns() -> None:
    """Runs every minute, and after a cancellation. Another run at the same time does no harm."""
    deadline = time.monotonic() + TASK_SECONDS
    for campaign in campaigns_to_update():
        if campaign.state == Campaign.State.CANCELLED:
            drop_messages(campaign.letter_id, deadline)
        elif campaign.state == Campaign.State.SENDING:
            finish_campaign(campaign)
        elif campaign.state == Campaign.State.DONE and unsent_messages(campaign.letter_id).exists():
            # The last one was being sent when the campaign finished, and is tried again.
            reopen_campaign(campaign.pk)
        if is_count_due(campaign):
            store_counts(campaign)
        if time.monotonic() > deadline:
            task_queue.enqueue_task(UPDATE_TASK)
            return


def campaigns_to_update() -> list[Campaign]:
    """Returns the open campaigns and those that ended lately, cancelled ones first."""
    since = current_time() - timedelta(days=UPDATED_DAYS)
    found = Campaign.objects.filter(Q(state__in=OPEN_STATES) | Q(ended_at__gt=since))
    return sorted(found, key=lambda one: one.state != Campaign.State.CANCELLED)


def is_count_due(campaign: Campaign) -> bool:
    if campaign.counted_at is None or campaign.is_open:
        return True
    ended = campaign.ended_at
    if ended is not None and campaign.counted_at < ended + timedelta(minutes=1):
        return True
    return campaign.counted_at < current_time() - timedelta(minutes=ENDED_MINUTES)


def finish_campaign(campaign: Campaign) -> None:
    """Marks a campaign as finished if none of its messages waits."""
    if unsent_messages(campaign.letter_id).exists():
        return
    sending = Campaign.objects.filter(pk=campaign.pk, state=Campaign.State.SENDING)
    sending.update(state=Campaign.State.DONE, ended_at=current_time())


def unsent_messages(letter_id: int):
    """Returns the messages that wait, as the index message_waiting_of_letter has them."""
    waiting = Message.objects.filter(
        letter_id=letter_id,
        state=Message.State.WAITING,
        is_bulk=True,
    )
    return waiting.order_by("letter_id", "due_at", "id")


def drop_messages(letter_id: int, deadline: float) -> int:
    """Drops the waiting messages of a cancelled campaign in batches, each a transaction of its own,
    until none is left or the time is over. Returns their number.
    """
    dropped = 0
    while number := drop_batch(letter_id):
        dropped += number
        if time.monotonic() > deadline:
            break
    return dropped


def drop_batch(letter_id: int) -> int:
    """Drops the next messages. Those that are locked are being claimed, and follow later."""
    with transaction.atomic():
        waiting = unsent_messages(letter_id).select_for_update(of=("self",), skip_locked=True)
        ids = list(waiting.values_list("pk", flat=True)[:DROP_BATCH])
        rows = Message.objects.filter(pk__among=ids, state=Message.State.WAITING)
        return rows.update(state=Message.State.DROPPED, error=CAMPAIGN_CANCELLED)
