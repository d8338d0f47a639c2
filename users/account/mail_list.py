"""The mail that was written to an account, newest first."""

from typing import Any

from django.http import QueryDict

from users.mail import letter_text
from users.mail.models import Message
from users.models import User
from users.web.query_string import check_parameters, parse_id_parameter

SIZE = 25


def mail_page(account: User, query: QueryDict) -> dict[str, Any]:
    """A page of messages, and the address of the next one. Raises BadParameter."""
    check_parameters(query, "after")
    found = Message.objects.filter(account=account).order_by("-id")
    if after := parse_id_parameter("after", query.get("after", "")):
        found = found.filter(pk__lt=after)
    messages = list(found.select_related("letter")[: SIZE + 1])
    for message in messages:
        message.says = rendered_letter(message, account)  # type: ignore[attr-defined]
    path = f"/users/{account.pk}/mail/"
    return {
        "mails": messages[:SIZE],
        "older": f"{path}?after={messages[SIZE - 1].pk}" if len(messages) > SIZE else "",
        "newest": path if after else "",
    }


def rendered_letter(message: Message, account: User) -> dict[str, str]:
    """Returns subject and text of a letter for this person; {} for other emails or erased text."""
    if message.letter is None or not message.letter.text:
        return {}
    return {
        "subject": letter_text.fill_subject(message.letter.subject, account),
        "text": letter_text.fill_placeholders(message.letter.text, account),
    }
