"""Logging to standard error, with one line for each record."""

import sys
from typing import Any


def logging_config(*, level: str, worker_level: str) -> dict[str, Any]:
    """Returns the LOGGING setting. `worker_level`: of django-q2's own messages."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "request_id": {"()": "users.audit.origin.RequestIdFilter"},
            "links": {"()": "users.audit.origin.LinkFilter"},
        },
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
                "filters": ["request_id"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.request": {"filters": ["links"]},
            "django.server": {"handlers": ["console"], "propagate": False},
            "django-q": {"handlers": ["console"], "level": worker_level, "propagate": False},
        },
    }
