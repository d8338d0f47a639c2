"""Work that is done when a response has been sent, so that its duration tells nobody anything."""

import logging
from collections.abc import Callable
from contextvars import copy_context

logger = logging.getLogger(__name__)


def run_after(response, work: Callable[[], object]) -> None:
    """Runs `work` in this thread when the server closes the response, with the origin of this
    request. The connection to the database is still open then.
    """
    context = copy_context()

    def run() -> None:
        try:
            context.run(work)
        except Exception:
            # Django would drop it without a trace.
            logger.exception("Work after a response failed")

    response._resource_closers.append(run)
