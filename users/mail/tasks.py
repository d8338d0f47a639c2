"""The tasks of workers: sending what waits, and applying what providers reported."""

from users.mail import delivery, fates


def deliver_outbox() -> int:
    return delivery.deliver_due_messages()


def apply_delivery_events() -> int:
    return fates.apply_events()
