"""Makes blocks of rows for COPY on several cores.

Imports no model, because the processes that do this work start without Django.
"""

import os
import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context, parent_process
from threading import Thread

from users.demo.people import BLOCK_ROWS, DemoPlan, RowMaker

PROCESSES_FROM = 5 * BLOCK_ROWS


def copy_blocks(plan: DemoPlan) -> Iterator[bytes]:
    """Yields all blocks in order. Other processes make them ahead; at most a few wait in memory."""
    if plan.accounts < PROCESSES_FROM:
        yield from (copy_lines(plan, start) for start in plan.blocks)
        return
    # One core is left to the database. A forked process would share this connection, a spawned one
    # does not.
    workers = min(4, max(1, (os.cpu_count() or 1) - 1))
    with ProcessPoolExecutor(workers, get_context("spawn"), keep_to_parent) as pool:
        waiting: deque[Future[bytes]] = deque()
        for start in plan.blocks:
            waiting.append(pool.submit(copy_lines, plan, start))
            if len(waiting) > 2 * workers + 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def keep_to_parent() -> None:
    """Ignores Ctrl-C, which the parent handles for all processes, and ends this process if the
    parent dies.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


def copy_lines(plan: DemoPlan, start: int) -> bytes:
    """Returns one block in the text format of PostgreSQL's COPY."""
    lines = map("\t".join, copy_maker(plan).block(start))  # type: ignore[arg-type]
    return ("\n".join(lines) + "\n").encode()


@lru_cache(maxsize=1)
def copy_maker(plan: DemoPlan) -> RowMaker:
    return RowMaker(plan, null=r"\N", newline=r"\n")
