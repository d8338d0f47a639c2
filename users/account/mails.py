"""The mail that was written to an account, newest first."""

from typing import Any

from django.http import QueryDict

from users.mail.models import Message
from users.models import User
from users.parameters import number, only

SIZE = 25


def mails(account: User, query: QueryDict) -> dict[str, Any]:
    """A page of messages, and the address of the next one. Raises BadParameter."""
    only(query, "after")
    found = Message.objects.filter(account=account).order_by("-id")
    if after := number("after", query.get("after", "")):
        found = found.filter(pk__lt=after)
    messages = list(found[: SIZE + 1])
    path = f"/users/{account.pk}/mail/"
    return {
        "mails": messages[:SIZE],
        "older": f"{path}?after={messages[SIZE - 1].pk}" if len(messages) > SIZE else "",
        "newest": path if after else "",
    }
