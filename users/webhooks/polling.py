"""Security event tokens that the receiver fetches (RFC 8936). What it has not acknowledged is
returned again.
"""

from typing import Any, NamedTuple

from django.db import transaction

from users.database.clock import current_time
from users.webhooks.kinds import VERIFICATION
from users.webhooks.models import ERROR_MAX, WebhookDelivery, WebhookSubscription
from users.webhooks.requests import RequestMaker
from users.webhooks.sources import new_deliveries
from users.webhooks.subscriptions import MAX_SUBSCRIPTIONS, lock_subscription

Method = WebhookSubscription.Method
State = WebhookDelivery.State
Source = WebhookDelivery.Source
MAX_EVENTS = 100
MAX_ANSWERS = 1000
# While so many wait, no new events are read.
POLL_WINDOW = 1000


class BadPollError(Exception):
    """A poll request is invalid. The message says why."""


class PollRequest(NamedTuple):
    """A request of a receiver. `errors`: the error of each refused token, by its ID."""

    size: int
    acknowledged: list[str]
    errors: dict[str, str]


def read_poll_request(content: Any) -> PollRequest:
    """Returns a request from its JSON. Raises BadPollError."""
    if not isinstance(content, dict):
        raise BadPollError("the body must be a JSON object")
    size = content.get("maxEvents", MAX_EVENTS)
    if type(size) is not int or size < 0:
        raise BadPollError("maxEvents must be a number from 0")
    acknowledged = content.get("ack", [])
    if not isinstance(acknowledged, list) or {type(each) for each in acknowledged} - {str}:
        raise BadPollError("ack must be a list of strings")
    errors = content.get("setErrs", {})
    if not isinstance(errors, dict):
        raise BadPollError("setErrs must be an object")
    if len(acknowledged) + len(errors) > MAX_ANSWERS:
        raise BadPollError(f"at most {MAX_ANSWERS} tokens in one request")
    texts = {name: refusal_text(error) for name, error in errors.items()}
    return PollRequest(min(size, MAX_EVENTS), acknowledged, texts)


def refusal_text(error: Any) -> str:
    """Returns the error of a refused token in visible ASCII."""
    if not isinstance(error, dict):
        raise BadPollError("an error in setErrs must be an object")
    code, description = error.get("err", ""), error.get("description", "")
    text = f"refused: {code} {description}".encode("ascii", "replace").decode()
    return "".join(filter(str.isprintable, text))[:ERROR_MAX].strip()


def answer_poll(row: WebhookSubscription, poll: PollRequest) -> dict[str, Any]:
    """Stores what the receiver has taken or refused, and returns the next tokens. It returns at
    once, so that no receiver occupies a thread of the web server.
    """
    with transaction.atomic():
        row = lock_subscription(row)
        settle_tokens(row, poll)
        if row.pause:
            return {"sets": {}}
        fill_window(row)
        waiting = waiting_tokens(row)
        found = list(waiting[: poll.size + 1])
        chosen = found[: poll.size]
        record_poll(row, chosen)
    maker = RequestMaker(row, chosen)
    sets = {each.message_id: maker.make_body(each) for each in chosen}
    answer: dict[str, Any] = {"sets": sets}
    if len(found) > len(chosen):
        answer["moreAvailable"] = True
    return answer


def waiting_tokens(row: WebhookSubscription) -> Any:
    return WebhookDelivery.objects.filter(subscription=row, state=State.WAITING).order_by("pk")


def settle_tokens(row: WebhookSubscription, poll: PollRequest) -> None:
    """Ends the deliveries that the receiver names. Unknown IDs are left alone."""
    values: dict[str, Any] = {"tried_at": current_time(), "due_at": None}
    taken = named_deliveries(row, poll.acknowledged)
    waiting_tokens(row).filter(pk__in=taken.values()).update(state=State.DELIVERED, **values)
    for name, pk in named_deliveries(row, poll.errors).items():
        refused = waiting_tokens(row).filter(pk=pk)
        refused.update(state=State.DEAD, error=poll.errors[name], **values)
    if taken:
        WebhookSubscription.objects.filter(pk=row.pk).update(delivered_at=values["tried_at"])


def named_deliveries(row: WebhookSubscription, names: Any) -> dict[str, int]:
    """Returns the IDs of waiting deliveries by those of the given messages."""
    wanted = set(names)
    if not wanted:
        return {}
    waiting = waiting_tokens(row).only("source", "source_id")
    return {each.message_id: each.pk for each in waiting if each.message_id in wanted}


def fill_window(row: WebhookSubscription) -> None:
    """Adds deliveries of new events until enough wait. The caller has locked the row."""
    missing = POLL_WINDOW - waiting_tokens(row).count()
    if missing <= 0:
        return
    WebhookDelivery.objects.bulk_create(new_deliveries(row, missing))
    values = {"position": row.position, "sign_in_id": row.sign_in_id}
    WebhookSubscription.objects.filter(pk=row.pk).update(**values)


def fill_windows() -> None:
    """Adds deliveries of new events to the streams that are polled, so that their state says
    whether the receiver comes.
    """
    rows = WebhookSubscription.objects.filter(method=Method.POLL, pause="").order_by("pk")
    for row in rows[:MAX_SUBSCRIPTIONS]:
        with transaction.atomic():
            fill_window(lock_subscription(row))


def record_poll(row: WebhookSubscription, chosen: list[WebhookDelivery]) -> None:
    """Counts the attempt of each delivery that is returned."""
    for delivery in chosen:
        delivery.attempts += 1
        delivery.tried_at = current_time()
    WebhookDelivery.objects.bulk_update(chosen, ["attempts", "tried_at"])


def request_verification(row: WebhookSubscription, state: str) -> bool:
    """Queues a verification event. Returns False if one waits already."""
    with transaction.atomic():
        lock_subscription(row)
        tokens = waiting_tokens(row).filter(source=Source.RECEIVER)
        if tokens.exists():
            return False
        WebhookDelivery.objects.create(
            subscription=row,
            kind=VERIFICATION,
            source=Source.RECEIVER,
            echo=state,
            due_at=current_time(),
        )
    return True
