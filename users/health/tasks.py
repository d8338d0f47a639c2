"""Scheduled tasks: alarms, the history of the page Status, and the clean-up by retention."""

from users.health import alarm_emails, cleanup, figures


def watch_status() -> None:
    """Stores the figures of the page Status and reports new alarms. Runs every minute."""
    figures.store_sample()
    alarm_emails.report_alarms()


def delete_expired_rows() -> None:
    """Deletes what the retention settings no longer keep. Runs every hour."""
    cleanup.run_cleanup()
