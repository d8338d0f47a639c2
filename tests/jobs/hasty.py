"""`manage.py worker` in a hurry, with the kinds of the tests: what takes half a minute in
production takes a second or two.

python -m tests.jobs.hasty

SLOW: seconds that bulk actions, imports and undo take longer for each account or row, half of them
before they have written anything and half before it is committed: what is killed at a random
instant is killed there.

LEASE, LONG_SLICE: as in users.jobs.worker, in seconds.

STOPS: where the process that works stops itself (SIGSTOP), once: "between chunks" before the third
one, or "in a chunk" when the third one is written and not committed.
"""

import os
import signal
import sys
import time
from itertools import count
from pathlib import Path

ROOT = Path(__file__).parents[2]


def slowed(run, seconds: float):
    def slow(self, chunk):
        time.sleep(seconds * len(chunk.ids) / 2)
        run(self, chunk)
        time.sleep(seconds * len(chunk.ids) / 2)

    return slow


def stopping(function, *, afterwards: bool):
    """The same, but that the process stops itself the third time."""
    calls = count(1)

    def stops(*args):
        third = next(calls) == 3
        if third and not afterwards:
            os.kill(os.getpid(), signal.SIGSTOP)
        result = function(*args)
        if third and afterwards:
            os.kill(os.getpid(), signal.SIGSTOP)
        return result

    return stops


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "site"))
    import django

    django.setup()
    from tests.forks import take_orders
    from tests.jobs import kinds
    from users.bulk.column_action import ColumnAction
    from users.bulk.undo import Undo
    from users.jobs import worker
    from users.jobs.queue import supervisor, task_queue
    from users.transfer.exports.action import ExportAccounts
    from users.transfer.imports.check_job import CheckImport
    from users.transfer.imports.file_rows_job import FileRowsJob
    from users.transfer.imports.import_job import ImportAccounts
    from users.transfer.imports.undo import UndoImport

    supervisor.preload_modules()
    take_orders()
    FileRowsJob.first_chunk_size = 100
    imports = (CheckImport, ImportAccounts, UndoImport)
    for kind in (ColumnAction, ExportAccounts, Undo, *imports):
        kind.run = slowed(kind.run, float(os.environ.get("SLOW", "0")))

    match os.environ.get("STOPS"):
        case "between chunks":
            worker.TimeSlice.work_chunk = stopping(worker.TimeSlice.work_chunk, afterwards=False)
        case "in a chunk":
            kinds.Stamp.run = stopping(kinds.Stamp.run, afterwards=True)

    supervisor.TICK_SECONDS = 0.2
    supervisor.BEAT_SECONDS = 1
    supervisor.SILENCE_SECONDS = 8
    supervisor.RESTART_PAUSE_MAX = 0
    worker.LEASE_SECONDS = float(os.environ.get("LEASE", "1"))
    worker.CHUNK_SECONDS = 0.1
    worker.LONG_SLICE_SECONDS = float(os.environ.get("LONG_SLICE", worker.LONG_SLICE_SECONDS))
    worker.PAUSE_SECONDS["sqlite"] = 0.05
    worker.CHUNK_LIMITS["idle_in_transaction_session_timeout"] = "2000"
    supervisor.Supervisor(task_queue.CLUSTERS).run()
