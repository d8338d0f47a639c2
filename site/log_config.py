"""Logging to standard error, with one line for each record: text, or JSON."""

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from pythonjsonlogger.json import JsonFormatter

FILTERS = {
    "request_id": {"()": "users.audit.origin.RequestIdFilter"},
    "failure": {"()": "users.database.failures.FailureFilter"},
}
# For Django's records of responses, whose paths may hold the token of a link.
LINK_FILTERS = {"links": {"()": "users.audit.origin.LinkFilter"}}
# JSON lines pass it first: it drops records and texts that quote a request.
SCRUBBING_FILTERS = {"scrubbing": {"()": "users.metrics.access_log.ScrubbingFilter"}}
# A line for each request, each task and each time slice of a job. JSON alone has them.
LINE_LOGGERS = ("users.metrics.access_log", "users.jobs.queue.observation")
QUIET_LOGGERS = {name: {"level": "WARNING"} for name in LINE_LOGGERS}
# The attributes of records that JSON lines have. Others may hold a request or what was typed.
FIELDS = (
    "request_id",
    "actor_id",
    "view",
    "method",
    "status",
    "milliseconds",
    "queries",
    "error",
    "task",
    "job_id",
    "kind",
    "outcome",
)


class JsonLines(JsonFormatter):
    """One JSON object a line. Exceptions are without their messages, which may quote a person's
    data, such as the address that is not unique.
    """

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        at = datetime.fromtimestamp(record.created, UTC)
        log_data["time"] = at.isoformat(timespec="milliseconds")
        log_data["level"] = record.levelname
        log_data["logger"] = record.name
        log_data["message"] = record.getMessage()
        for name in FIELDS:
            value = getattr(record, name, None)
            if value not in (None, "", "-"):
                log_data[name] = value
        if trace := message_dict.get("exc_info"):
            log_data["traceback"] = trace

    def formatException(self, ei: Any) -> str:
        return "\n".join(describe_exception(ei[1]))


FORMATTERS = {
    "text": {
        "format": "{asctime} {levelname} {name} [{request_id}] {message}",
        "style": "{",
    },
    "json": {"()": JsonLines},
}


def describe_exception(error: BaseException | None) -> list[str]:
    """Returns the frames and the type of the error and of those that led to it, oldest first."""
    blocks: list[str] = []
    known: set[int] = set()
    while error is not None and id(error) not in known:
        known.add(id(error))
        frames = "".join(traceback.format_tb(error.__traceback__))
        blocks.insert(0, f"{frames}{type(error).__name__}")
        error = error.__cause__ or error.__context__
    return blocks


def line_format(env: environ.Env, usual: str) -> str:
    """Returns LOG_FORMAT. Raises ImproperlyConfigured."""
    chosen = env.str("LOG_FORMAT", usual)
    if chosen not in ("text", "json"):
        raise ImproperlyConfigured("LOG_FORMAT is wrong: it is text or json.")
    return chosen


def logging_config(*, log_format: str, level: str, worker_level: str) -> dict[str, Any]:
    """Returns the LOGGING setting. `worker_level`: of django-q2's own messages."""
    filters = SCRUBBING_FILTERS | FILTERS if log_format == "json" else FILTERS
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": filters | LINK_FILTERS,
        "formatters": FORMATTERS,
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "stream": sys.stderr,
                "formatter": log_format,
                "filters": list(filters),
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.request": {"filters": list(LINK_FILTERS)},
            "django.server": {"handlers": ["console"], "propagate": False},
            "django-q": {"handlers": ["console"], "level": worker_level, "propagate": False},
        }
        | (json_loggers(level) if log_format == "json" else QUIET_LOGGERS),
    }


def json_loggers(level: str) -> dict[str, Any]:
    """Returns the loggers of the lines, and that of gunicorn without its handler for text."""
    loggers: dict[str, Any] = {name: {"level": level} for name in LINE_LOGGERS}
    loggers["gunicorn.error"] = {"handlers": [], "propagate": True, "level": level}
    return loggers
