"""Lists the emails that were sent to an account, newest first."""

from typing import Any

from django.http import QueryDict

from users.account.link_life import set_link_lives
from users.mail import letter_text
from users.mail.models import DeliveryEvent, Message, Suppression
from users.mail.suppressions import address_suppressions, describe_suppression
from users.models import User
from users.web.paging import newest_page
from users.web.query_string import check_parameters, parse_id_parameter

SIZE = 25  # emails on a page
# Fates whose cause is in the reply of the recipient's server.
REPLY_FATES = {
    Message.Fate.DEFERRED,
    Message.Fate.SOFT_BOUNCED,
    Message.Fate.BOUNCED,
}
REPLY_KINDS = (
    DeliveryEvent.Kind.DEFERRED,
    DeliveryEvent.Kind.BOUNCED,
)
# Events that are read for the replies of a page; a provider may report each attempt.
MAX_EVENTS = 500


def mail_page(account: User, query: QueryDict, *, shown: User) -> dict[str, Any]:
    """Returns a page of emails and the URLs of the next and the first one. Raises BadParameter.

    `shown`: the account as the viewer may see it, whose values stand in the texts.
    """
    check_parameters(query, "after")
    after = parse_id_parameter("after", query.get("after", ""))
    found = Message.objects.filter(account=account).select_related("letter")
    page = newest_page(found, SIZE, after)
    for message in page.rows:
        message.rendered = rendered_letter(message, shown)  # type: ignore[attr-defined]
    set_link_lives(account, page.rows)
    set_replies(page.rows)
    return {"mails": page.rows} | page.links(f"/users/{account.pk}/mail/")


def suppression_notices(account: User) -> list[tuple[str, Suppression]]:
    """Returns the suppressions of the account's address, each with its sentence."""
    if not account.email:
        return []
    found = address_suppressions(account.email)
    return [(describe_suppression(each), each) for each in found]


def rendered_letter(message: Message, account: User) -> dict[str, str]:
    """Returns subject and text of a letter for this person, in their language; {} for other emails
    or erased text.
    """
    if message.letter is None or not message.letter.text:
        return {}
    subject, text = letter_text.localised_text(message.letter, account)
    return {
        "subject": letter_text.fill_subject(subject, account),
        "text": letter_text.fill_placeholders(text, account),
    }


def set_replies(messages: list[Message]) -> None:
    """Sets `reply` of messages that were not delivered: why, as their provider reported it."""
    ids = [message.message_id for message in messages if message.fate in REPLY_FATES]
    replies: dict[str, str] = {}
    if ids:
        events = DeliveryEvent.objects.filter(message_id__in=ids, kind__in=REPLY_KINDS)
        found = events.exclude(detail="").order_by("-pk")[:MAX_EVENTS]
        for message_id, detail in found.values_list("message_id", "detail"):
            replies.setdefault(message_id, detail)
    for message in messages:
        message.reply = replies.get(message.message_id, "")  # type: ignore[attr-defined]
