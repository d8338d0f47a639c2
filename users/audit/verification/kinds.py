"""The kinds of faults that the verification of the audit trail names."""

from django.db.models import TextChoices


class FaultKind(TextChoices):
    EDITED = "edited", "Edited"
    MISSING = "missing", "Missing"
    INSERTED = "inserted", "Inserted"
    REORDERED = "reordered", "Reordered"
    TRUNCATED = "truncated", "Truncated"
    REWRITTEN = "rewritten", "Rewritten"
    FORKED = "forked", "Forked"
    UNKNOWN_KEY = "unknown_key", "Unknown key"
    REVOKED_KEY = "revoked_key", "Revoked key"
    UNSEALED = "unsealed", "Unsealed too long"
    WRONG_TIME = "wrong_time", "Wrong time"


class ChainFault(Exception):
    """The audit trail is not as it was sealed; the message is a sentence without a full stop that
    names the first bad event.
    """

    def __init__(self, kind: FaultKind, text: str) -> None:
        super().__init__(text)
        self.kind = kind
