"""The task that the `notify` cluster runs when it is rung."""

from users.mail import delivery


def drain() -> int:
    return delivery.drain()
