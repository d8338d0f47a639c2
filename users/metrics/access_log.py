"""The line that each request gets in a log of JSON lines, without anything personal: no path, no
query string, no header.
"""

import logging
from contextvars import ContextVar

from users.database.failures import NO_ROOM, failure_kind

logger = logging.getLogger(__name__)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
# The beginnings of gunicorn's messages that quote a request.
SERVER_TEXTS = ("Error handling request", "Invalid request")
# The failure of the database that the current request has met, for its line.
current_failure: ContextVar[str] = ContextVar("failure", default="")


def log_request(
    *,
    method: str,
    view: str,
    status: int,
    seconds: float,
    queries: int,
    actor_id: int | None,
) -> None:
    """Logs the line of a request. `actor_id`: the account that is signed in."""
    failure = current_failure.get()
    if failure:
        current_failure.set("")
    level = logging.ERROR if failure else logging.INFO
    if not logger.isEnabledFor(level):
        return
    fields = {
        "method": method if method in METHODS else "other",
        "view": view,
        "status": status,
        "milliseconds": round(seconds * 1000, 2),
        "queries": queries,
        "actor_id": actor_id,
        "error": failure,
    }
    logger.log(level, "request", extra=fields)


class ScrubbingFilter(logging.Filter):
    """Drops records that repeat the line of the request, and the texts that quote a request: its
    path, its host, its first line.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "django.request":
            return keep_internal_error(record)
        if record.name.startswith("django.security."):
            replace_message(record, record.name.rpartition(".")[2])
            record.exc_info = record.exc_text = None
        elif record.name == "gunicorn.error":
            for text in SERVER_TEXTS:
                if str(record.msg).startswith(text):
                    replace_message(record, text)
        return True


def keep_internal_error(record: logging.LogRecord) -> bool:
    """Returns whether the record of a response has a traceback that is needed. A failure of the
    database or of a full disk becomes a field of the request's line.
    """
    error = record.exc_info[1] if record.exc_info else None
    if error is None or getattr(record, "status_code", 0) < 500:
        return False
    if kind := failure_kind(error):
        place = "disk" if kind == NO_ROOM else "database"
        current_failure.set(f"{place} {kind}: {type(error.__cause__ or error).__name__}")
        return False
    replace_message(record, "Internal error")
    return True


def replace_message(record: logging.LogRecord, text: str) -> None:
    record.msg = text
    record.args = ()
