"""Scheduled tasks of the audit trail."""

from users.audit import chain, checkpoints, unused_ids


def seal_audit_chain() -> None:
    """Seals new events, records ids that no event has, and writes a checkpoint when one is due.

    Runs every minute; another run in between does no harm.
    """
    unused_ids.record_unused_ids()
    chain.seal_waiting_events()
    checkpoints.write_checkpoint()
