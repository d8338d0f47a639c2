"""Scheduled tasks of webhooks."""

from users.webhooks import delivery, polling, secrets


def deliver_webhooks() -> None:
    """Delivers what is due to each receiver. Runs every minute, and on demand."""
    delivery.deliver_subscriptions()
    polling.fill_windows()


def renew_webhook_secrets() -> int:
    """Re-encrypts secrets after SECRET_KEY was replaced. Runs every hour."""
    return secrets.renew_secrets()
