"""Scheduled tasks of the audit trail."""

from users.audit import chain, checkpoints, former_backfill, unused_ids
from users.audit.trail import blocks


def seal_audit_chain() -> None:
    """Seals new events, records ids that no event has, writes a checkpoint when one is due, and
    indexes blocks of events for the filters of the trail.

    Runs every minute; another run in between does no harm.
    """
    unused_ids.record_unused_ids()
    chain.seal_waiting_events()
    checkpoints.write_checkpoint()
    blocks.index_blocks()


def backfill_former_values() -> None:
    """Finds former values that were not stored with their events. Runs every minute."""
    former_backfill.record_missing_values()
