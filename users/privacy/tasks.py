"""What workers do so that no value of an erased person is left in what was written about others."""

import logging

from users.jobs.queue import task_queue
from users.privacy import scan

logger = logging.getLogger(__name__)
TASK = "users.privacy.tasks.redact_waiting_texts"


def redact_waiting_texts() -> None:
    """Every minute, and when somebody was erased. Rings again while there is more to do. A failure
    is told by its kind alone, since its words may be those that are sought; the next minute tries
    again.
    """
    try:
        more = scan.run_scan()
    except Exception as error:
        logger.error(
            "The search for the names of erased people stopped with %s. It resumes in a minute.",
            type(error).__name__,
        )
        return
    if more:
        task_queue.enqueue_task(TASK)
