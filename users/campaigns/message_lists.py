"""Lists of messages, paged by keyset: those of a campaign, those that wait, those of an address."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.utils.dateparse import parse_datetime

from users import masking
from users.campaigns.models import Campaign
from users.campaigns.outbox_summary import LANES
from users.database.clock import current_time
from users.email_addresses import email_key
from users.exceptions import BadParameter
from users.mail.lanes import waiting_in_lane
from users.mail.models import Message
from users.masking import mask_email
from users.web.paging import IdPage, newest_page
from users.web.query_string import is_id_text, url_with_query

PAGE_SIZE = 50
# The list of failed messages has those of some days, and at most so many.
FAILED_DAYS = 30
FAILED_MAX = 100
# The fate "" has a name in URLs.
NO_FATE = "none"
FATE_NAMES = {fate.value or NO_FATE: fate.label for fate in Message.Fate}
STATE_NAMES = dict(Message.State.choices)


class OutboxPosition(NamedTuple):
    """The place of a message in the outbox."""

    is_bulk: bool
    due_at: datetime
    pk: int


def campaign_page(
    campaign: Campaign, *, state: str = "", fate: str = "", after: int = 0
) -> IdPage[Message]:
    """Returns a page of the campaign's messages, newest first.

    The index message_by_letter_fate has a range for each pair of state and fate, so a list of
    several pairs merges the first rows of each.
    """
    messages = Message.objects.filter(letter_id=campaign.letter_id).select_related("account")
    if after:
        messages = messages.filter(pk__lt=after)
    states = [state] if state else list(Message.State.values)
    fates = [fate_value(fate)] if fate else list(Message.Fate.values)
    ranges = [
        messages.filter(state=one, fate=other).order_by("-pk")[: PAGE_SIZE + 1]
        for one in states
        for other in fates
    ]
    rows = merge(*ranges, key=lambda message: -message.pk)
    return IdPage.cut(list(islice(rows, PAGE_SIZE + 1)), PAGE_SIZE, after)


def fate_value(name: str) -> str:
    return "" if name == NO_FATE else name


def outbox_page(*, lane: str = "", after: str = "") -> tuple[list[Message], str]:
    """Returns a page of all messages that wait, in the order of sending, and the URL of the next
    page, "" for none. Raises BadParameter.
    """
    position = parse_position(after) if after else None
    lanes = [lane] if lane else list(LANES)
    rows: list[Message] = []
    for name in lanes:
        if len(rows) <= PAGE_SIZE:
            rows += lane_messages(name, position)[: PAGE_SIZE + 1 - len(rows)]
    page = rows[:PAGE_SIZE]
    more = ""
    if len(rows) > PAGE_SIZE:
        more = url_with_query("/mail/outbox/", lane=lane, after=format_position(page[-1]))
    return page, more


def lane_messages(lane: str, position: OutboxPosition | None) -> QuerySet[Message]:
    """Returns what waits in a lane after a position."""
    is_bulk = lane == "bulk"
    waiting = waiting_in_lane(is_bulk=is_bulk)
    found = waiting.select_related("account", "letter__campaign")
    if position is None or is_bulk > position.is_bulk:
        return found
    if is_bulk < position.is_bulk:
        return found.none()
    later = Q(due_at__gt=position.due_at) | Q(due_at=position.due_at, pk__gt=position.pk)
    return found.filter(later, due_at__gte=position.due_at)


def format_position(message: Message) -> str:
    return f"{int(message.is_bulk)}.{message.due_at.isoformat()}.{message.pk}"


def parse_position(text: str) -> OutboxPosition:
    """Returns the position in a URL. Raises BadParameter."""
    lane, _, rest = text.partition(".")
    moment, _, pk = rest.rpartition(".")
    try:
        due_at = parse_datetime(moment)
    except ValueError:
        due_at = None
    if lane not in ("0", "1") or due_at is None or not due_at.tzinfo or not is_id_text(pk):
        raise BadParameter("after", "This page link has expired. Start again from the first page.")
    return OutboxPosition(lane == "1", due_at, int(pk))


def address_page(
    address: str, *, kind: str = "", state: str = "", fate: str = "", after: int = 0
) -> IdPage[Message]:
    """Returns a page of the messages to one address, however it is spelled, newest first."""
    messages: Any = Message.objects.alias(address=Lower("to"))
    found = messages.filter(address__in={email_key(address), address.lower()})
    if kind:
        found = found.filter(kind=kind)
    if state:
        found = found.filter(state=state)
    if fate:
        found = found.filter(fate=fate_value(fate))
    return newest_page(found.select_related("account", "letter__campaign"), PAGE_SIZE, after)


def failed_messages() -> QuerySet[Message]:
    """Returns what failed in the last FAILED_DAYS days: a range of the index message_failed."""
    since = current_time() - timedelta(days=FAILED_DAYS)
    return Message.objects.filter(state=Message.State.FAILED, created_at__gte=since)


def shown_messages(messages: list[Message], viewer: Any) -> Iterator[Message]:
    """Yields the messages as the viewer may see them; the copies are not to be saved."""
    masked = masking.hides_personal_data(viewer)
    for message in messages:
        if masked:
            message.to = mask_email(message.to)
            message.account = masking.mask_account(message.account)
        yield message
