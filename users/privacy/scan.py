"""The scan of all tables for values of erased people.

Each chunk is one transaction that also stores the position, so that another worker can continue if
one dies.
"""

import secrets
import time
from datetime import timedelta
from functools import lru_cache

from django.conf import settings
from django.core.cache import caches
from django.db import connection, transaction
from django.db.models import F

from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.audit.redaction import SystemActor
from users.database.clock import database_now
from users.jobs.queue import task_queue
from users.mail import file_backend
from users.models import User
from users.privacy.matcher import Matcher
from users.privacy.models import Redaction, RedactionWalk
from users.privacy.text_columns import FoundRows, text_tables

# Seconds that a worker scans before it runs other tasks.
TIME_SLICE = 10
# Another worker takes over if a chunk takes longer.
CLAIM_TIMEOUT = timedelta(seconds=60)
# Erasures in one scan: their values take about 40 MB of memory.
MAX_ERASURES = 20_000
DONE_ACTION = "account.traces_removed"
# Seconds between two chunks, in which other connections can write to SQLite.
CHUNK_PAUSE = {"sqlite": 0.02}


def run_scan(seconds: float = TIME_SLICE) -> bool:
    """Scans for about `seconds`, and returns whether there is more to do.

    Returns False at once if another worker is scanning.
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
        # Processes must not keep the values longer than they need them.
        scan_matcher.cache_clear()
        RedactionWalk.objects.filter(claim=claim).update(busy_until=database_now())
    return more


def claim_scan() -> int | None:
    """Returns the fencing number of this worker.

    Returns None if there is nothing to do, or if another worker is scanning.
    """
    if not Redaction.objects.exists():
        return None
    with transaction.atomic():
        RedactionWalk.objects.get_or_create(pk=1)
        now = database_now()
        claim = secrets.randbits(62)
        free = RedactionWalk.objects.filter(pk=1, busy_until__lte=now)
        taken = free.update(claim=claim, busy_until=now + CLAIM_TIMEOUT)
        return claim if taken else None


def scan_chunk(claim: int) -> bool:
    """Scans one chunk, and returns whether there is more to do.

    Returns False if no erasure is waiting, or if another worker has taken over.
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
        walk.after = text_tables()[walk.place].redact_chunk(matcher, walk.after, found)
        for owner, number in found.items():
            Redaction.objects.filter(pk=owner).update(records=F("records") + number)
        if walk.after is None:
            walk.place = next_table(known, walk.place)
        if not walk.place:
            finish_scan(matcher)
        walk.busy_until = database_now() + CLAIM_TIMEOUT
        walk.save(update_fields=["place", "after", "number", "busy_until"])
    return True


def next_table(names: list[str], name: str) -> str:
    """Returns the name after `name`; "" after the last one."""
    following = names.index(name) + 1
    return names[following] if following < len(names) else ""


def begin_scan(walk: RedactionWalk, place: str) -> bool:
    """Starts a scan of the oldest waiting erasures at the table `place`.

    Returns whether there are any. A scan whose table no longer exists starts again, with its
    erasures.
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
    """Returns the matcher of the scan with this number. It is built once for each claim."""
    matcher = Matcher()
    for owner, values in Redaction.objects.filter(walking=True).values_list("pk", "values"):
        matcher.add(owner, values)
    return matcher


def finish_scan(matcher: Matcher) -> None:
    """Deletes the values, and records for each account in how many rows they were found."""
    # In development mails are files, and letters to other people may name the person.
    file_backend.remove_files_naming(matcher.matches_any, settings.MAIL_DIR)
    done = dict(Redaction.objects.filter(walking=True).values_list("pk", "records"))
    events = []
    for account in User.objects.filter(pk__among=list(done)).iterator():
        after = {"records": done[account.pk]}
        event = build_event(
            DONE_ACTION,
            actor=SystemActor(),
            target=account,
            after=after,
        )
        events.append(event)
    AuditEvent.objects.bulk_create(events, batch_size=1000)
    Redaction.objects.filter(walking=True).delete()
    # The tracebacks of failed tasks may contain the values.
    task_queue.forget_results()
    transaction.on_commit(caches["pages"].clear)
