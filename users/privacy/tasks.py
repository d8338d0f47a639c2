"""The task that removes values of erased people from texts about others."""

import logging

from users.jobs.queue import task_queue
from users.privacy import scan

logger = logging.getLogger(__name__)
TASK = "users.privacy.tasks.redact_waiting_texts"


def redact_waiting_texts() -> None:
    """Runs a time slice of the scan, and enqueues another one if there is more to do.

    It runs every minute and after each erasure, so a failure is retried within a minute. Only the
    type of an exception is logged, because its message may contain the values.
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
