"""Adds messages to the outbox, in the caller's transaction, and notifies the worker."""

from collections.abc import Iterable

from users.database.clock import database_now
from users.jobs.tasks import enqueue_delivery
from users.mail.models import Letter, Message
from users.models import User


def post_message(
    kind: Message.Kind,
    account: User,
    letter: Letter | None = None,
    about: User | None = None,
    *,
    to: str = "",
) -> Message | None:
    """Queues an email of `kind` to the account, or to its former address `to`. Returns None if the
    account has no address.

    `about`: the account that the email tells about, if it is another one.
    """
    to = to or account.email
    if not to:
        return None
    message = Message(
        account=account,
        kind=kind,
        to=to,
        letter=letter,
    )
    message.about_id = about.pk if about else None
    message.due_at = database_now()
    message.save(force_insert=True)
    # The next access reads the time of the database from the row.
    del message.due_at
    enqueue_delivery()
    return message


def post_messages(kind: Message.Kind, recipients: Iterable[tuple[User, str]]) -> None:
    """Queues an email of `kind` to each account at an address, in two statements. Individual emails
    are sent before these.
    """
    messages = [
        Message(
            account=account,
            kind=kind,
            to=to,
            is_bulk=True,
            due_at=database_now(),
        )
        for account, to in recipients
    ]
    if messages:
        Message.objects.bulk_create(messages, batch_size=2000)
        enqueue_delivery()
