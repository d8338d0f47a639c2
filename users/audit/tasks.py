"""Scheduled tasks of the audit trail."""

from users.audit import chain, checkpoints


def seal_audit_chain() -> None:
    """Every minute: the events that were written since take their places in the chain. Repeating it
    changes nothing.
    """
    chain.seal_waiting_events()
    checkpoints.write_checkpoint()
