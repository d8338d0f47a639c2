"""The task that the `notify` cluster runs for new messages."""

from users.mail import delivery


def deliver_outbox() -> int:
    return delivery.deliver_due_messages()
