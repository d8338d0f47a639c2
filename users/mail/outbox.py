"""Adds messages to the outbox, in the caller's transaction, and notifies the worker."""

from users.database.clock import database_now
from users.jobs.queue import task_queue
from users.mail.models import Letter, Message
from users.models import User


def post_message(kind: Message.Kind, account: User, letter: Letter | None = None) -> Message | None:
    """Queues an email of `kind` to the account. Returns None if the account has no address."""
    if not account.email:
        return None
    message = Message(account=account, kind=kind, to=account.email, letter=letter)
    message.due_at = database_now()
    message.save(force_insert=True)
    # The next access reads the time of the database from the row.
    del message.due_at
    task_queue.enqueue_task("users.mail.tasks.deliver_outbox", cluster=task_queue.NOTIFY)
    return message
