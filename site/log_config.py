"""Logging to standard error, with one line for each record."""

import sys
from typing import Any

FILTERS = {
    "request_id": {"()": "users.audit.origin.RequestIdFilter"},
    "failure": {"()": "users.database.failures.FailureFilter"},
}


def logging_config(*, level: str, worker_level: str) -> dict[str, Any]:
    """Returns the LOGGING setting. `worker_level`: of django-q2's own messages."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": FILTERS,
        "formatters": {
            "line": {
                "format": "{asctime} {levelname} {name} [{request_id}] {message}",
                "style": "{",
            }
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "stream": sys.stderr,
                "formatter": "line",
                "filters": list(FILTERS),
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.server": {"handlers": ["console"], "propagate": False},
            "django-q": {"handlers": ["console"], "level": worker_level, "propagate": False},
        },
    }
