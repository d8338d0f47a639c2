"""The email to the other administrators about a new one."""

from users.account_state import State, in_state
from users.administrators import administrator_condition
from users.mail import outbox
from users.mail.models import Message
from users.models import User


def notify_administrators(account: User) -> None:
    """Queues an email about the new administrator `account` to each other active one, in the
    caller's transaction.
    """
    others = User.objects.filter(in_state(State.ACTIVE), administrator_condition(), is_staff=True)
    for other in others.exclude(pk=account.pk).order_by("pk"):
        outbox.post_message(Message.Kind.NEW_SUPERUSER, other, about=account)
