"""Adds messages to the outbox, in the caller's transaction, and notifies the worker."""

from users.jobs.queue import task_queue
from users.mail.models import Letter, Message
from users.models import User


def post_message(
    kind: Message.Kind, account: User, letter: Letter | None = None, about: User | None = None
) -> Message | None:
    """Queues an email of `kind` to the account. Returns None if the account has no address.

    `about`: the account that the email tells about, if it is another one.
    """
    if not account.email:
        return None
    about_id = about.pk if about else None
    message = Message.objects.create(
        account=account,
        kind=kind,
        to=account.email,
        letter=letter,
        about_id=about_id,
    )
    task_queue.enqueue_task("users.mail.tasks.deliver_outbox", cluster=task_queue.NOTIFY)
    return message
