"""What workers do so that no value of an erased person is left in what was written about others."""

from users.jobs import queue
from users.redaction import walk

TASK = "users.redaction.tasks.redact"


def redact() -> None:
    """Every minute, and when somebody was erased. Rings again while there is more to do."""
    if walk.advance():
        queue.ring(TASK)
