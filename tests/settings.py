"""Settings of the test suite: those of the site with faster values and a temporary folder.

The environment is set before the site's settings read it, so that a developer's .env has no effect.
bin/test sets DATABASE_URL and REDIS_URL for PostgreSQL; without them the suite runs on SQLite.
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
    if os.getpid() == OWNER:  # a forked process must not remove the folder
        shutil.rmtree(TEST_DIR, ignore_errors=True)


atexit.register(remove)


def address(name: str) -> str:
    """Returns the URL of the server of this pytest-xdist worker, or else of the whole run.

    Processes that a test starts find theirs under the name without a suffix.
    """
    return os.environ.pop(f"{name}_{WORKER}", "") or os.environ.get(name, "")


os.environ |= {
    "DEBUG": "0",
    "SECRET_KEY": "tests-only-bGnVqkXw3Lr8Zt5Yd1Hs6Jm9Pf2Cv4Qe7Ua0NiTo",
    "SECRET_KEY_FALLBACKS": "",
    "ALLOWED_HOSTS": "localhost,127.0.0.1",
    "SITE_URL": "http://localhost:8000",
    "DEMO_SIGN_IN": "0",
    "TRUSTED_PROXIES": "0",
    "VAR_DIR": str(TEST_DIR),
    "DATABASE_URL": address("DATABASE_URL") or f"sqlite:///{TEST_DIR}/rollcall.sqlite3",
    "STATEMENT_TIMEOUT_MS": "0",
    "REDIS_URL": address("REDIS_URL"),
    "EMAIL_URL": "",
    "DEFAULT_FROM_EMAIL": "Rollcall <no-reply@localhost>",
    "ORGANISATION_NAME": "Example Ltd",
    "ORGANISATION_LOGO_URL": "",
    "ORGANISATION_ADDRESS": "",
    "ORGANISATION_LANGUAGE": "en",
    "HELP_CONTACT": "",
    "SECOND_FACTOR_REQUIRED": "none",
    "OIDC_ISSUER": "",
    "OIDC_MODE": "",
    "HSTS_DAYS": "365",
    "SECURITY_CONTACT": "",
    "SECURITY_EXPIRES": "",
    "TICKET_FIELD": "optional",
    "TICKET_PATTERN": "",
    "TICKET_EXAMPLE": "",
    "TICKET_URL": "",
    "WORKER_CONCURRENCY": "1",
    # Tests have small directories, and change most of them.
    "BULK_APPROVAL_SHARE": "100",
    # Most tests have one or two administrators. Tests of these rules set them.
    "ADMINISTRATOR_APPROVAL": "off",
    "MINIMUM_ADMINISTRATORS": "1",
    # Fixtures create and change accounts without events. Tests of these changes turn it on.
    "RECORD_OUTSIDE_CHANGES": "0",
    "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
    "LOG_FORMAT": "text",
    "METRICS_TOKEN": "",
    "SENTRY_DSN": os.environ.get("SENTRY_DSN", ""),
}

from settings import *  # noqa: E402, F403
from settings import CACHES, DATABASES, REDIS_URL, STORAGES  # noqa: E402

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, since threads and processes share it as they do in production.
    DATABASES["default"]["TEST"] = {"NAME": str(TEST_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"
else:
    # Threads of the live server end some time after the test, when the browser closes its
    # connection. They must not keep a connection to the database until then.
    DATABASES["default"]["CONN_MAX_AGE"] = 0

if REDIS_URL:
    # The suite uses all processors, so Redis may respond late.
    CACHES["pages"]["OPTIONS"] |= {"SOCKET_CONNECT_TIMEOUT": 30, "SOCKET_TIMEOUT": 30}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
