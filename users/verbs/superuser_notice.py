"""The email to the other superusers about a new one."""

from users.account_state import State, in_state
from users.mail import outbox
from users.mail.models import Message
from users.models import User


def notify_superusers(account: User) -> None:
    """Queues an email about the new superuser `account` to each other active one, in the caller's
    transaction.
    """
    others = User.objects.filter(in_state(State.ACTIVE), is_superuser=True)
    for other in others.exclude(pk=account.pk).order_by("pk"):
        outbox.post_message(Message.Kind.NEW_SUPERUSER, other, about=account)
