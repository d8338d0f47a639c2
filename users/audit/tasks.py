"""Scheduled tasks of the audit trail."""

from users.audit import chain, checkpoints


def seal_audit_chain() -> None:
    """Seals new events and writes a checkpoint when one is due. Runs every minute; another run in
    between does no harm.
    """
    chain.seal_waiting_events()
    checkpoints.write_checkpoint()
