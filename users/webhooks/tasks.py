"""Scheduled tasks of webhooks."""

from users.webhooks import delivery, large_changes, polling, secrets


def deliver_webhooks() -> None:
    """Delivers what is due to each receiver, and does what requests have left. Runs every minute,
    and on demand.
    """
    large_changes.continue_large_changes()
    delivery.deliver_subscriptions()
    polling.fill_windows()


def renew_webhook_secrets() -> int:
    """Re-encrypts secrets after SECRET_KEY was replaced. Runs every hour."""
    return secrets.renew_secrets()
