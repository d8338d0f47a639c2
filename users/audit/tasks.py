"""Scheduled tasks of the audit trail."""

from users.audit import chain, checkpoints, former_backfill, retention, unused_ids


def seal_audit_chain() -> None:
    """Seals new events, records ids that no event has, and writes a checkpoint when one is due.

    Runs every minute; another run in between does no harm.
    """
    unused_ids.record_unused_ids()
    chain.seal_waiting_events()
    checkpoints.write_checkpoint()


def backfill_former_values() -> None:
    """Finds former values that were not stored with their events. Runs every minute."""
    former_backfill.record_missing_values()


def apply_retention() -> None:
    """Removes the personal values of old events. Runs every hour; the next run continues."""
    retention.remove_old_values()
