"""Checks of the services that Rollcall depends on.

Each returns "" or a description of the problem that anyone may read.
"""

import smtplib
import ssl
from datetime import timedelta

from django.conf import settings
from django.core.cache import caches
from django.core.mail import get_connection
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.functions import Now

from users.audit.origin import PROXY_WATCH
from users.caching.backend import PageCache
from users.caching.replica import replica_lag
from users.database.clock import DATABASE_CLOCK
from users.database.replica import has_replica
from users.database.version import known_migrations
from users.jobs.models import WorkerBeat
from users.jobs.queue.task_queue import CLUSTERS

SILENCE_LIMIT = timedelta(seconds=60)
# A beat further ahead than this: the database's clock was set back, or someone wrote the row.
CLOCK_TOLERANCE = timedelta(seconds=5)
SMTP_BACKEND = "users.mail.smtp_backend.SmtpBackend"
# For each answer of the mail server.
SMTP_SECONDS = 1.2


def check_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return ""


def check_cache() -> str:
    """Writes a value and reads it back, because a full or read-only server still answers a ping."""
    pages = caches["pages"]
    try:
        if isinstance(pages, PageCache):
            pages.probe()
    except Exception:
        # Pages work without the cache, so no exception of the client may propagate.
        return "not reachable, or not storing values"
    return ""


def check_replica() -> str:
    """Reports a replica that does not answer, or that is too far behind to be read."""
    if not has_replica():
        return ""
    lag = replica_lag()
    if lag is None:
        return "not reachable"
    return f"{lag:.0f} seconds behind" if lag > settings.REPLICA_MAX_LAG else ""


def check_workers() -> str:
    """Requires that each cluster has run a task within the last minute."""
    # Beats have the database's time, and so has `now`: hosts' clocks differ.
    beats = {beat.cluster: beat for beat in WorkerBeat.objects.annotate(now=Now())}
    problems = []
    for name in CLUSTERS:
        beat = beats.get(name)
        if beat is None:
            problems.append(f"{name} never seen")
        elif beat.now - beat.at > SILENCE_LIMIT:
            problems.append(f"{name} not seen since {beat.at:%Y-%m-%d %H:%M:%S} UTC")
        elif beat.at - beat.now > CLOCK_TOLERANCE:
            problems.append(f"{name} seen in the future, at {beat.at:%Y-%m-%d %H:%M:%S} UTC")
    return "; ".join(problems)


def check_migrations() -> str:
    """Requires the migrations of this release. Later ones may belong to the next release."""
    applied = MigrationRecorder(connection).applied_migrations()
    missing = sorted(known_migrations() - set(applied))
    if not missing:
        return ""
    return f"{len(missing)} not applied, first {missing[0][1]}; run bin/release"


def check_mail() -> str:
    """Connects to the mail server and signs in, without sending anything."""
    if settings.EMAIL_BACKEND != SMTP_BACKEND:
        return ""
    server = get_connection(timeout=SMTP_SECONDS)
    try:
        server.open()
        server.close()
    except smtplib.SMTPResponseException as error:
        return f"mail server refuses the connection or the sign-in ({error.smtp_code})"
    except smtplib.SMTPNotSupportedError:
        return "mail server does not offer STARTTLS"
    except ssl.SSLCertVerificationError as error:
        return f"mail server certificate is not valid: {error.verify_message}"
    except (OSError, smtplib.SMTPException) as error:
        return f"mail server not reachable ({type(error).__name__})"
    return ""


def check_clock() -> str:
    """Reports a host whose clock is wrong. Opening the connection has just compared it."""
    seconds = DATABASE_CLOCK.seconds_ahead()
    if abs(seconds) <= CLOCK_TOLERANCE.total_seconds():
        return ""
    direction = "behind" if seconds > 0 else "ahead of"
    return f"this host is {abs(seconds):.0f} seconds {direction} the database"


def check_proxy() -> str:
    """Reports requests to this process that came past the proxies."""
    return PROXY_WATCH.problem()
