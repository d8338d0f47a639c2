"""The scan of all tables for the values of erased people.

Each chunk is one transaction that also stores the position, so that another worker can continue
whenever one dies.
"""

import secrets
import time
from datetime import timedelta
from functools import lru_cache

from django.conf import settings
from django.core.cache import caches
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.audit.redaction import SystemActor
from users.jobs.queue import task_queue
from users.mail import file_backend
from users.models import User
from users.privacy.matcher import Matcher
from users.privacy.models import Redaction, RedactionWalk
from users.privacy.text_columns import FoundRows, text_tables

TIME_SLICE = 10  # seconds that a worker scans before other tasks have their time
CLAIM_TIMEOUT = timedelta(seconds=60)  # without a chunk; then another worker takes over
MAX_ERASURES = 20_000  # erasures in one scan: their values take some 40 MB of memory
DONE_ACTION = "account.traces_removed"
# Seconds between two chunks: SQLite's other writers wait for a chunk.
CHUNK_PAUSE = {"sqlite": 0.02}


def run_scan(seconds: float = TIME_SLICE) -> bool:
    """Scans for about `seconds`, and returns whether there is more to do. Does nothing while
    another worker scans.
    """
    if (claim := claim_scan()) is None:
        return False
    deadline = time.monotonic() + seconds
    more = True
    try:
        while more and time.monotonic() < deadline:
            more = scan_chunk(claim)
            time.sleep(CHUNK_PAUSE.get(connection.vendor, 0) if more else 0)
    finally:
        # No process keeps the values longer than it needs them.
        scan_matcher.cache_clear()
        RedactionWalk.objects.filter(claim=claim).update(busy_until=timezone.now())
    return more


def claim_scan() -> int | None:
    """Returns the fencing number of this worker; None if there is nothing to do, or another worker
    does it.
    """
    if not Redaction.objects.exists():
        return None
    with transaction.atomic():
        RedactionWalk.objects.get_or_create(pk=1)
        now = timezone.now()
        claim = secrets.randbits(62)
        free = RedactionWalk.objects.filter(pk=1, busy_until__lte=now)
        taken = free.update(claim=claim, busy_until=now + CLAIM_TIMEOUT)
        return claim if taken else None


def scan_chunk(claim: int) -> bool:
    """Scans one chunk. Returns False if the scan is finished and no erasure waits for another one,
    or if another worker has taken over.
    """
    with transaction.atomic():
        walk = RedactionWalk.objects.select_for_update().filter(pk=1, claim=claim).first()
        if walk is None:
            return False
        known = list(text_tables())
        if walk.place not in known and not begin_scan(walk, known[0]):
            return False
        matcher = scan_matcher(walk.number, claim)
        found: FoundRows = {}
        walk.after = text_tables()[walk.place].step(matcher, walk.after, found)
        for owner, number in found.items():
            Redaction.objects.filter(pk=owner).update(records=F("records") + number)
        if walk.after is None:
            walk.place = next_table(known, walk.place)
        if not walk.place:
            finish_scan(matcher)
        walk.busy_until = timezone.now() + CLAIM_TIMEOUT
        walk.save(update_fields=["place", "after", "number", "busy_until"])
    return True


def next_table(names: list[str], name: str) -> str:
    """Returns the name after `name`; "" after the last one."""
    following = names.index(name) + 1
    return names[following] if following < len(names) else ""


def begin_scan(walk: RedactionWalk, place: str) -> bool:
    """Starts a scan at the table `place`, for the oldest erasures that wait. Returns whether there
    are any.

    A scan whose table is no longer known is started anew, with its erasures.
    """
    waiting = Redaction.objects.filter(walking=False).order_by("since")
    oldest = list(waiting.values_list("pk", flat=True)[:MAX_ERASURES])
    Redaction.objects.filter(pk__among=oldest).update(walking=True)
    walk.place = place
    walk.after = None
    walk.number = walk.number + 1
    return Redaction.objects.filter(walking=True).exists()


@lru_cache(maxsize=1)
def scan_matcher(number: int, claim: int) -> Matcher:
    """Returns the values that the scan with this number searches for, read once for each claim."""
    matcher = Matcher()
    for owner, values in Redaction.objects.filter(walking=True).values_list("pk", "values"):
        matcher.add(owner, values)
    return matcher


def finish_scan(matcher: Matcher) -> None:
    """Deletes the values, and records for each account in how many rows they were found."""
    # Letters to other people, where mails are files.
    file_backend.remove_files_naming(matcher.within, settings.MAIL_DIR)
    done = dict(Redaction.objects.filter(walking=True).values_list("pk", "records"))
    people = User.objects.filter(pk__among=list(done))
    events = [
        build_event(
            DONE_ACTION,
            actor=SystemActor(),
            target=one,
            after={"records": done[one.pk]},
        )
        for one in people.iterator()
    ]
    AuditEvent.objects.bulk_create(events, batch_size=1000)
    Redaction.objects.filter(walking=True).delete()
    # The tracebacks of failed tasks may name anybody.
    task_queue.forget_results()
    transaction.on_commit(caches["pages"].clear)
