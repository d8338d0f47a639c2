"""Campaigns in tests: made as the pages make them, and queued in this process."""

from typing import Any
from urllib.parse import urlencode

from django.test import Client
from django.utils import timezone

from tests.builders import make_user
from tests.pages import form
from users.campaigns import lifecycle
from users.campaigns.models import Campaign
from users.jobs import worker
from users.mail.models import Message
from users.models import User

TEXT = {"subject": "News, {first_name}", "text": "Dear {name},\nnew terms."}
NO_OPTIONS: dict[str, Any] = {"not_before": None, "hours": None, "per_minute": None}


def readers(number: int, **fields: Any) -> list[User]:
    """Returns accounts that get announcements."""
    fields = {"email_verified_at": timezone.now(), "accepts_announcements": True} | fields
    return [make_user(**fields) for _ in range(number)]


def ids_query(accounts: list[User]) -> str:
    return urlencode([("ids", account.pk) for account in accounts])


def draft(by: User, accounts: list[User] | None = None, **options: Any) -> Campaign:
    """Returns a campaign to `accounts`, or to all for None."""
    query = "all=1" if accounts is None else ids_query(accounts)
    values = {"name": "New terms", "query": query} | TEXT | NO_OPTIONS | options
    return lifecycle.create_campaign(by=by, values=values)


def start(client: Client, campaign: Campaign, number: int | None = None) -> Any:
    """Starts the campaign on its page, with the number that it asks for unless one is given."""
    response = client.get(f"/mail/campaigns/{campaign.pk}/start/", follow=True)
    path = response.request["PATH_INFO"]
    if query := response.request["QUERY_STRING"]:
        path += f"?{query}"
    asked = response.context["preview"].confirmed_count.value
    sent = form(response, path) | {"count": str(asked if number is None else number)}
    return client.post(path, sent)


def work() -> None:
    """Works on all jobs until none waits."""
    while worker.work_time_slice() is not None:
        pass


def queued(client: Client, by: User, accounts: list[User], **options: Any) -> Campaign:
    """Returns a campaign whose messages are in the outbox."""
    campaign = draft(by, accounts, **options)
    assert start(client, campaign).status_code == 302
    work()
    campaign.refresh_from_db()
    return campaign


def set_states(campaign: Campaign, *states: str) -> None:
    """Sets the states of the messages in their order, each with a fate after a slash."""
    messages = Message.objects.filter(letter=campaign.letter_id).order_by("pk")
    for message, wanted in zip(messages, states, strict=True):
        message.state, _, message.fate = wanted.partition("/")
        message.sent_at = timezone.now() if message.state == "sent" else None
        message.save()
