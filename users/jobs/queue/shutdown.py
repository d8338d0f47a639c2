"""How a cluster of workers is asked to stop: by SIGTERM, or by the death of the supervisor that
started it.
"""

import os
import signal
import time
from typing import NoReturn

GRACE_SECONDS = (
    20  # seconds for the tasks that run; below the 30 s that platforms give a process after SIGTERM
)


class StopRequest:
    """Stands in for the event that the cluster's first process waits on, second by second.

    An event of multiprocessing would deadlock when a signal handler of the process that waits sets
    it. A whole group may get the signal at once; the other processes inherit the handler and go on,
    so that their tasks end in order.
    """

    def __init__(self) -> None:
        self.asked = False
        self.owner = os.getpid()
        self.parent = os.getppid()

    def listen(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: self.set())
        signal.signal(signal.SIGALRM, lambda *_: self.at_once())

    def set(self) -> None:
        if os.getpid() == self.owner and not self.asked:
            self.asked = True
            signal.alarm(GRACE_SECONDS)

    def is_set(self) -> bool:
        return self.asked

    def wait(self, seconds: float) -> bool:
        time.sleep(seconds)
        if os.getppid() != self.parent:
            self.set()
        return self.asked

    def at_once(self) -> NoReturn:
        """Ends every process of the group, this one too."""
        os.killpg(0, signal.SIGKILL)
        raise SystemExit  # not reached; says so to those who read types
