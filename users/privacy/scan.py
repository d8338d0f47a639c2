"""The walk through all tables, for all erasures that wait. In chunks, each of which is one
transaction with its own place in the walk: whatever becomes of a worker, the next one goes on
there.
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

TIME_SLICE = 10  # seconds; then others have theirs
CLAIM_TIMEOUT = timedelta(seconds=60)  # of a worker, after which another one takes over
MAX_ERASURES = 20_000  # erasures in one walk: their values are held in memory, some 40 MB
DONE_ACTION = "account.traces_removed"
CHUNK_PAUSE = {
    "sqlite": 0.02
}  # seconds between two chunks, where whoever writes else has to wait for them


def run_scan(seconds: float = TIME_SLICE) -> bool:
    """Walks on for about `seconds`; whether there is more to do. Nothing where another worker
    walks.
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
        scan_matcher.cache_clear()  # no process keeps the values longer than it needs them
        RedactionWalk.objects.filter(claim=claim).update(busy_until=timezone.now())
    return more


def claim_scan() -> int | None:
    """The number under which this process walks; None where there is nothing to do, or another one
    does it.
    """
    if not Redaction.objects.exists():
        return None
    with transaction.atomic():
        RedactionWalk.objects.get_or_create(pk=1)
        now = timezone.now()
        claim = secrets.randbits(62)
        free = RedactionWalk.objects.filter(pk=1, busy_until__lte=now)
        return claim if free.update(claim=claim, busy_until=now + CLAIM_TIMEOUT) else None


def scan_chunk(claim: int) -> bool:
    """One chunk. False where the walk is at its end and nobody waits for another, or another worker
    has taken over.
    """
    with transaction.atomic():
        walk = RedactionWalk.objects.select_for_update().filter(pk=1, claim=claim).first()
        if walk is None:
            return False
        known = list(text_tables())
        if walk.place not in known and not begin_scan(walk, known[0]):
            return False
        found: FoundRows = {}
        walk.after = text_tables()[walk.place].step(
            scan_matcher(walk.number, claim), walk.after, found
        )
        for owner, number in found.items():
            Redaction.objects.filter(pk=owner).update(records=F("records") + number)
        if walk.after is None:
            walk.place = dict(zip(known, [*known[1:], ""], strict=True))[walk.place]
        if not walk.place:
            finish_scan(scan_matcher(walk.number, claim))
        walk.busy_until = timezone.now() + CLAIM_TIMEOUT
        walk.save(update_fields=["place", "after", "number", "busy_until"])
    return True


def begin_scan(walk: RedactionWalk, place: str) -> bool:
    """Takes up those that wait, the oldest first. A walk whose place is not known any more begins
    anew.
    """
    waiting = list(
        Redaction.objects.filter(walking=False)
        .order_by("since")
        .values_list("pk", flat=True)[:MAX_ERASURES]
    )
    Redaction.objects.filter(pk__among=waiting).update(walking=True)
    walk.place = place
    walk.after = None
    walk.number = walk.number + 1
    return Redaction.objects.filter(walking=True).exists()


@lru_cache(maxsize=1)
def scan_matcher(number: int, claim: int) -> Matcher:
    """What the walk with this number looks for: read once under each claim."""
    matcher = Matcher()
    for owner, values in Redaction.objects.filter(walking=True).values_list("pk", "values"):
        matcher.add(owner, values)
    return matcher


def finish_scan(matcher: Matcher) -> None:
    """The values themselves go with the rows. The trail says of each account that its traces are
    gone, and of how many.
    """
    file_backend.remove_files_naming(
        matcher.within, settings.MAIL_DIR
    )  # letters to others, where mails are files
    done = dict(Redaction.objects.filter(walking=True).values_list("pk", "records"))
    people = User.objects.filter(pk__among=list(done))
    events = [
        build_event(DONE_ACTION, actor=SystemActor(), target=one, after={"records": done[one.pk]})
        for one in people.iterator()
    ]
    AuditEvent.objects.bulk_create(events, batch_size=1000)
    Redaction.objects.filter(walking=True).delete()
    task_queue.forget_failures()  # their tracebacks may name anybody
    transaction.on_commit(caches["pages"].clear)
