"""Settings of the test suite: the site's own, with values that are quick and that touch nothing
outside a folder of their own.

The environment is filled in before the site's settings read it, so that a developer's .env has no
say. bin/test sets DATABASE_URL and REDIS_URL for the PostgreSQL leg; without them the suite runs on
SQLite.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

TEST_DIR = Path(tempfile.mkdtemp(prefix="rollcall-tests-"))
(TEST_DIR / "static").mkdir()
OWNER = os.getpid()
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")


def remove() -> None:
    if os.getpid() == OWNER:  # and not in a process that a test has forked
        shutil.rmtree(TEST_DIR, ignore_errors=True)


atexit.register(remove)


def address(name: str) -> str:
    """The server of this worker of pytest-xdist, or else of the whole leg. Processes that a test
    starts with these settings are given theirs under the plain name.
    """
    return os.environ.pop(f"{name}_{WORKER}", "") or os.environ.get(name, "")


os.environ |= {
    "DEBUG": "0",
    "SECRET_KEY": "tests-only-bGnVqkXw3Lr8Zt5Yd1Hs6Jm9Pf2Cv4Qe7Ua0NiTo",
    "SECRET_KEY_FALLBACKS": "",
    "ALLOWED_HOSTS": "localhost,127.0.0.1",
    "SITE_URL": "http://localhost:8000",
    "TRUSTED_PROXIES": "0",
    "VAR_DIR": str(TEST_DIR),
    "DATABASE_URL": address("DATABASE_URL") or f"sqlite:///{TEST_DIR}/rollcall.sqlite3",
    "STATEMENT_TIMEOUT_MS": "0",
    "REDIS_URL": address("REDIS_URL"),
    "EMAIL_URL": "",
    "DEFAULT_FROM_EMAIL": "Rollcall <no-reply@localhost>",
    "WORKER_CONCURRENCY": "1",
    "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
}

from settings import *  # noqa: E402, F403
from settings import CACHES, DATABASES, REDIS_URL, STORAGES  # noqa: E402

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file and not memory: threads and processes meet in it as they do in production.
    DATABASES["default"]["TEST"] = {"NAME": str(TEST_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"
else:
    # The live server's threads end when the browser hangs up, some time after the test: they must
    # hold nothing by then.
    DATABASES["default"]["CONN_MAX_AGE"] = 0

if REDIS_URL:
    # The suite keeps every core busy: a Redis that has to wait for one is not silent.
    CACHES["pages"]["OPTIONS"] |= {"SOCKET_CONNECT_TIMEOUT": 30, "SOCKET_TIMEOUT": 30}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
