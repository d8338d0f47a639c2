"""Verifies the audit trail: the chain event by event, and its tree and checkpoints."""
