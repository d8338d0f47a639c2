"""Sends a person an email that a member of staff has written."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from users.audit.record import record_event
from users.database.clock import current_time
from users.exceptions import VerbRefused
from users.mail import letter_text, outbox
from users.mail.models import Letter, Message
from users.models import User
from users.verbs.obstacles import (
    DELETED_OBSTACLES,
    NO_ADDRESS,
    SERVICE_LETTER,
    Obstacle,
    refuse_obstacle,
)
from users.verbs.transaction import lock_and_check

DUPLICATE_WINDOW = timedelta(minutes=1)


def send_letter(
    account: User, *, by: Any, subject: str, text: str, version: int | None = None
) -> User:
    """Queues an email with a text whose placeholders are filled with values of the account.

    The event holds the id of the letter but not its text. A letter with the same text within
    DUPLICATE_WINDOW is refused, because it is a form submitted twice.
    """
    subject, text = letter_text.clean_letter(subject, text)
    with transaction.atomic():
        current = lock_and_check(account, "write", by=by, version=version)
        refuse_obstacle(current, LETTER_OBSTACLES)
        duplicates = current.messages.filter(
            letter__subject=subject,
            letter__text=text,
            created_at__gt=current_time() - DUPLICATE_WINDOW,
        )
        if duplicates.exists():
            raise VerbRefused("This email was just sent to this user.", current)
        letter = Letter.objects.create(subject=subject, text=text)
        outbox.post_message(Message.Kind.LETTER, current, letter)
        record_event(
            "account.written_to",
            actor=by,
            target=current,
            after={"letter": letter.pk},
        )
    return current


LETTER_OBSTACLES = (
    *DELETED_OBSTACLES,
    SERVICE_LETTER,
    NO_ADDRESS,
    Obstacle(
        sentence="This address is not verified and may belong to someone else.",
        blocks=lambda account: account.email_verified_at is None,
        condition=lambda now: Q(email_verified_at=None),
    ),
    Obstacle(
        sentence="Emails to this address bounce.",
        blocks=lambda account: account.email_bounced_at is not None,
        condition=lambda now: Q(email_bounced_at__isnull=False),
    ),
)
