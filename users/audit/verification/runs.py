"""Runs the verification by a schedule: the quick check every day and the full one every week,
which continues where it stopped.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice

from django.db.models import Q

from users.audit.models import ChainHead
from users.audit.tree.checkpoint_signatures import stored_keys
from users.audit.tree.merkle import HASH_SIZE, RANGE_SIZE
from users.audit.tree.models import SignedCheckpoint
from users.audit.verification.anchor_check import AnchorCheck
from users.audit.verification.chain_check import (
    CheckRanges,
    Progress,
    Verdict,
    check_here,
    check_rest,
    cut_ranges,
    newest_position,
    unreadable_as_fault,
)
from users.audit.verification.chain_start import check_pruned_events, read_chain_start
from users.audit.verification.kinds import ChainFault
from users.audit.verification.models import VerificationRun
from users.audit.verification.processes import CheckProcesses, usable_cores
from users.audit.verification.quick_check import check_newest, trusted_checkpoint
from users.database.clock import current_time

logger = logging.getLogger(__name__)
Kind = VerificationRun.Kind
INTERVALS = {Kind.QUICK: timedelta(days=1), Kind.FULL: timedelta(days=7)}
# How long a scheduled task works on a full run; the next one continues it.
SLICE_SECONDS = 45
# A worker that was killed gives the run free after this time.
RUN_CLAIM_TIME = timedelta(minutes=3)
# Ranges between two savings of the progress.
RANGES_AT_ONCE = 16
KEPT_RUNS = 50
# With fewer ranges than this, starting processes takes longer than checking.
FEW_RANGES = 4


def work_on_runs() -> None:
    """Continues an unfinished run of each kind, or starts one that is due. Runs every minute."""
    for kind in Kind:
        run = open_run(kind) or start_due_run(kind)
        if run and claim_run(run):
            finish_run(run, SLICE_SECONDS)


def open_run(kind: str) -> VerificationRun | None:
    """Returns the unfinished run of a kind."""
    return VerificationRun.objects.filter(kind=kind, finished_at=None).order_by("pk").first()


def start_due_run(kind: Kind) -> VerificationRun | None:
    last = VerificationRun.objects.filter(kind=kind).order_by("-pk").first()
    # A time far in the future, from when the clock was ahead, must not block this.
    if last and abs(current_time() - last.started_at) < INTERVALS[kind]:
        return None
    return start_run(kind)


def start_run(kind: str) -> VerificationRun:
    """Starts a run, and drops the oldest ones of its kind."""
    runs = VerificationRun.objects.filter(kind=kind)
    old = list(runs.order_by("-pk").values_list("pk", flat=True)[KEPT_RUNS - 1 :])
    VerificationRun.objects.filter(pk__in=old).delete()
    return VerificationRun.objects.create(
        kind=kind,
        started_at=current_time(),
        last_position=newest_position(),
    )


def claim_run(run: VerificationRun) -> bool:
    """Returns whether this process may work on the run: nobody else does."""
    now = current_time()
    free = Q(claimed_until=None) | ~Q(claimed_until__range=(now, now + 2 * RUN_CLAIM_TIME))
    rows = VerificationRun.objects.filter(free, pk=run.pk, finished_at=None)
    return rows.update(claimed_until=now + RUN_CLAIM_TIME) == 1


def finish_run(run: VerificationRun, seconds: float | None = None) -> VerificationRun:
    """Works on a claimed run until it is finished, or for about `seconds`."""
    run.refresh_from_db()
    try:
        with unreadable_as_fault():
            is_complete = work_on_run(run, seconds)
    except ChainFault as fault:
        logger.error("The audit trail is not intact: %s.", fault)
        run.fault_kind = fault.kind.value
        run.fault = str(fault)[:500]
        is_complete = True
    run.claimed_until = None
    run.finished_at = current_time() if is_complete else None
    run.save()
    return run


def work_on_run(run: VerificationRun, seconds: float | None) -> bool:
    """Returns whether the run is complete. Raises ChainFault."""
    if run.kind == Kind.FULL:
        return continue_full_run(run, seconds)
    run.position = check_newest()
    return True


def continue_full_run(run: VerificationRun, seconds: float | None) -> bool:
    """Returns whether the whole chain is checked. Raises ChainFault."""
    deadline = time.monotonic() + seconds if seconds is not None else float("inf")
    start = read_chain_start()
    if start.position > run.position:
        # The events up to there were removed before this run, or during it.
        run.position = start.position
        run.peaks = b"".join(start.peaks)
    check_pruned_events(start)
    ranges = cut_ranges(run.position + 1, run.last_position)
    left = -(-(run.last_position - run.position) // RANGE_SIZE)
    with choose_range_checker(left) as check_ranges:
        while batch := list(islice(ranges, RANGES_AT_ONCE)):
            check_batch(run, batch[0][0], batch[-1][1], check_ranges)
            if time.monotonic() > deadline and run.position < run.last_position:
                return False
    head = ChainHead.objects.filter(pk=1).first() or ChainHead()
    check_rest(Verdict(events=newest_position()), head)
    return True


@contextmanager
def choose_range_checker(ranges: int) -> Iterator[CheckRanges]:
    """Gives what checks ranges: processes on all cores, or this process if there are few."""
    cores = usable_cores()
    if ranges <= FEW_RANGES or cores == 1:
        yield check_here
        return
    with CheckProcesses(cores) as processes:
        yield processes.check_ranges


def check_batch(
    run: VerificationRun,
    first: int,
    last: int,
    check_ranges: CheckRanges,
) -> None:
    """Checks some ranges and the checkpoints of their sizes, and stores the progress. Raises
    ChainFault.
    """
    joined = bytes(run.peaks)
    cuts = range(0, len(joined), HASH_SIZE)
    progress = Progress(run.position, [joined[at : at + HASH_SIZE] for at in cuts])
    anchors = stored_checkpoints(first, last)
    for result in check_ranges(cut_ranges(first, last, anchors.positions())):
        run.position += result.events
        run.erased += result.erased
        run.redacted += result.redacted
        progress.add_result(result, anchors)
    run.peaks = b"".join(progress.builder.peaks)
    run.claimed_until = current_time() + RUN_CLAIM_TIME
    run.save()


def stored_checkpoints(first: int, last: int) -> AnchorCheck:
    """Returns the checkpoints of the database in a range. Raises ChainFault for a bad one."""
    keys = stored_keys()
    stored = SignedCheckpoint.objects.filter(size__gte=first, size__lte=last)
    checkpoints = [trusted_checkpoint(each, keys) for each in stored.order_by("size")]
    return AnchorCheck(checkpoints=checkpoints)


def verification_problems() -> str:
    """Names the faults that the last finished run of each kind has found."""
    return "; ".join(run.fault for run in last_runs() if run.fault)


def last_runs() -> list[VerificationRun]:
    """Returns the last finished run of each kind."""
    found: list[VerificationRun] = []
    for kind in Kind:
        finished = VerificationRun.objects.filter(kind=kind).exclude(finished_at=None)
        found += finished.order_by("-pk")[:1]
    return found
