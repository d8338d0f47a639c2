"""The circuit breaker of the mail server, one for all workers.

When the server cannot be used, no message is claimed until a pause is over. Then one worker tries
with one message, and the others follow when it has left.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import F

from users.database.clock import current_time, database_now
from users.mail.models import MailServer

logger = logging.getLogger(__name__)
SERVER = 1
# Failures in a row, among them messages that the server never answered, after which it is bad.
MAX_FAILURES = 3
# Workers look for emails every five seconds, and individual ones leave within ten.
UNREACHABLE_PAUSE_SECONDS = 2
# For servers that can be reached: each attempt costs a message a retry or an unknown outcome.
FAILING_PAUSE_SECONDS = 30


class MailServerError(Exception):
    """A failure of the server or of its settings rather than of one message.

    `is_down`: it cannot be reached. `counts_as_attempt`: the message of the attempt is settled;
    otherwise it stays as it was.
    """

    def __init__(self, reason: str, *, is_down: bool = False, counts_as_attempt: bool = False):
        super().__init__(reason)
        self.is_down = is_down
        self.counts_as_attempt = counts_as_attempt

    @property
    def pause(self) -> timedelta:
        seconds = UNREACHABLE_PAUSE_SECONDS if self.is_down else FAILING_PAUSE_SECONDS
        return timedelta(seconds=seconds)


class CircuitBreaker:
    """The state of the server as one drain of the outbox knows it."""

    def __init__(self) -> None:
        row = MailServer.objects.filter(pk=SERVER).first()
        self.failures = row.failures if row else 0
        self.is_probing = False
        self.is_open = bool(row and row.probe_at)

    def allows_sending(self) -> bool:
        """Returns whether this drain may send. With an open breaker that is one worker, when the
        pause is over; if it dies, another one follows after the time that its attempt may take.
        """
        if not self.is_open:
            return True
        due = MailServer.objects.filter(pk=SERVER, probe_at__lte=database_now())
        again = timedelta(seconds=2 * (settings.EMAIL_TIMEOUT or 0))
        self.is_probing = due.update(probe_at=database_now() + again) == 1
        return self.is_probing

    def release_probe(self) -> None:
        """Lets the next worker try at once, if this one had no message to try with."""
        if self.is_probing:
            open_rows = MailServer.objects.filter(pk=SERVER, probe_at__isnull=False)
            open_rows.update(probe_at=database_now())

    def record_success(self) -> None:
        """Closes the breaker: a message has left."""
        if self.failures or self.is_probing:
            MailServer.objects.filter(pk=SERVER).update(
                failures=0, error="", failed_at=None, probe_at=None
            )
            if self.is_probing:
                logger.info("The mail server accepts emails again.")
        self.failures = 0
        self.is_probing = self.is_open = False

    def record_failure(self, failure: MailServerError) -> bool:
        """Counts a failure. Returns whether the breaker is open now."""
        self.failures += 1
        row, _ = MailServer.objects.get_or_create(pk=SERVER)
        rows = MailServer.objects.filter(pk=SERVER)
        rows.update(failures=F("failures") + 1, error=str(failure)[:1000])
        is_known = failure.counts_as_attempt and not self.is_probing
        if is_known and max(self.failures, row.failures + 1) < MAX_FAILURES:
            return False
        if not self.is_open:
            logger.warning("Mail server is failing; emails stay in the outbox: %s", failure)
        rows.filter(failed_at=None).update(failed_at=current_time())
        rows.update(probe_at=database_now() + failure.pause)
        self.is_open = True
        self.is_probing = False
        return True
