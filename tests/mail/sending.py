"""Messages that wait, their states, and the environment of a process that sends."""

import os
from datetime import timedelta

from django.db.models import F

from tests.builders import make_user
from users.mail import outbox
from users.mail.models import MailServer, Message

SENT = "sent"


WAITING = "waiting"


FAILED = "failed"


DROPPED = "dropped"


def post(number: int = 1, **fields) -> list[Message]:
    return [
        outbox.post_message(Message.Kind.PASSWORD_RESET, make_user(**fields)) for _ in range(number)
    ]


def let_time_pass(minutes: float = 24 * 60) -> None:
    passed = timedelta(minutes=minutes)
    Message.objects.update(due_at=F("due_at") - passed)
    MailServer.objects.update(probe_at=F("probe_at") - passed)


def states() -> list[str]:
    return list(Message.objects.order_by("id").values_list("state", flat=True))


def server_problem() -> str:
    """Returns why no email is sent, in the words of the last error; "" if emails are sent."""
    return "".join(MailServer.objects.exclude(probe_at=None).values_list("error", flat=True))


def fresh(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


class Killed(BaseException):
    """The end of a process, as far as its own code is concerned."""


def sender(url: str) -> dict[str, str]:
    return {
        "EMAIL_URL": url,
        "DJANGO_SETTINGS_MODULE": "settings",
        "PYTHONPATH": os.pathsep.join(["site", "."]),
    }
