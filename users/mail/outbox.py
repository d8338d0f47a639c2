"""Adds messages to the outbox, in the caller's transaction, and notifies the worker."""

from users.jobs.queue import task_queue
from users.mail.models import Letter, Message
from users.models import User


def post_message(kind: Message.Kind, account: User, letter: Letter | None = None) -> Message | None:
    """Queues an email of `kind` to the account. Returns None if the account has no address."""
    if not account.email:
        return None
    message = Message.objects.create(account=account, kind=kind, to=account.email, letter=letter)
    task_queue.enqueue_task("users.mail.tasks.deliver_outbox", cluster=task_queue.NOTIFY)
    return message
