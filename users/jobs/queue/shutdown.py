"""A request to a cluster of workers to stop, made by SIGTERM or by the death of the supervisor that
started the cluster.
"""

import os
import signal
import threading
import time
from typing import NoReturn

# Seconds for running tasks to finish; platforms give a process 30 s after SIGTERM.
GRACE_SECONDS = 20
# Seconds between two checks that the first process of the cluster lives.
WATCH_SECONDS = 1


class StopRequest:
    """Replaces the stop event that django-q2's Sentinel checks every second.

    A multiprocessing event would deadlock if a signal handler of the waiting process set it. The
    whole process group may receive the signal: processes other than the owner of the request
    inherit the handler and ignore the signal, so that their tasks finish.
    """

    def __init__(self) -> None:
        self.is_requested = False
        self.owner = os.getpid()
        self.parent = os.getppid()

    def listen(self) -> None:
        """Sets the signal handlers: SIGTERM asks to stop, SIGALRM ends the grace period."""
        signal.signal(signal.SIGTERM, lambda *_: self.set())
        signal.signal(signal.SIGALRM, lambda *_: self.kill_group())

    def set(self) -> None:
        """Requests the stop and begins the grace period."""
        if os.getpid() == self.owner and not self.is_requested:
            self.is_requested = True
            signal.alarm(GRACE_SECONDS)

    def is_set(self) -> bool:
        return self.is_requested

    def wait(self, seconds: float) -> bool:
        """Waits, and also requests the stop if the supervisor is gone."""
        time.sleep(seconds)
        if os.getppid() != self.parent:
            self.set()
        return self.is_requested

    def kill_group(self) -> NoReturn:
        """Kills every process of the group, this one included."""
        kill_own_group()


def kill_own_group() -> NoReturn:
    os.killpg(0, signal.SIGKILL)
    # Not reached; tells type checkers that this does not return.
    raise SystemExit


def end_group_with(leader: int) -> None:
    """Lets every process that `leader`, the calling process, forks from now on watch it. If it was
    killed, nobody else would end them: they would run tasks with the code of an old release.
    """

    def watch_leader() -> None:
        while os.getppid() == leader:
            time.sleep(WATCH_SECONDS)
        kill_own_group()

    def start_watch() -> None:
        threading.Thread(target=watch_leader, name="leader watch", daemon=True).start()

    os.register_at_fork(after_in_child=start_watch)
