"""Kills processes of a worker while it works, one role after the other, and starts what nobody else
would start again.
"""

import random
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.processes import Running, running_fork, until
from users.jobs.queue import task_queue

HASTY = [sys.executable, "-m", "tests.jobs.hasty"]
CHILDREN = {
    "worker": 0,
    "monitor": 1,
    "pusher": 2,
}  # in the order in which the cluster's first process forks them
ROLES = ["worker", "sentinel", "pusher", "monitor", "parent"]


class Prey:
    """A supervisor with its clusters, started again where it is killed itself."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.killed = dict.fromkeys(ROLES, 0)
        self.restart()

    def restart(self) -> None:
        self.context = hasty(self.folder)
        self.worker = self.context.__enter__()

    def stop(self) -> None:
        self.context.__exit__(None, None, None)

    def kill(self, role: str) -> None:
        """Does nothing where the process is just being replaced."""
        with suppress(psutil.NoSuchProcess, IndexError):
            self.process(role).kill()
            self.killed[role] += 1
            if role == "parent":
                self.worker.process.wait(120)
                self.stop()  # with its clusters, which would end by themselves within a second
                self.restart()

    def process(self, role: str) -> psutil.Process:
        if role == "parent":
            return psutil.Process(self.worker.process.pid)
        leader = psutil.Process(leader_of(self.worker))
        if role == "sentinel":
            return leader
        return sorted(leader.children(), key=lambda child: (child.create_time(), child.pid))[
            CHILDREN[role]
        ]


def leader_of(worker: Running, cluster: str = task_queue.MAIN) -> int:
    """The id of the cluster's first process, as it is now. Raises IndexError where there is none
    yet.
    """
    return int(re.findall(rf"Cluster {cluster} started \(process (\d+)\)", worker.said())[-1])


@contextmanager
def hasty(folder: Path, **environment: str) -> Iterator[Running]:
    with running_fork(HASTY, folder, DJANGO_SETTINGS_MODULE="settings", **environment) as worker:
        until(
            lambda: "Cluster notify started" in worker.said() or worker.process.poll() is not None
        )
        yield worker


def kill_all_around(prey: Prey, job, kills: int, longest: float) -> None:
    """Kills a process of the next role at a random instant, `kills` times or until the job ends."""
    chance = random.Random(kills)
    while sum(prey.killed.values()) < kills:
        for role in ROLES:
            time.sleep(chance.uniform(0, longest))  # an instant, and no condition
            prey.kill(role)
            job.refresh_from_db()
            if job.has_ended:
                return
