"""A Redis server that tests can hurt, and a count of what a cache asks of it."""

import os
import signal
import subprocess
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import redis

from tests import servers
from users.caching.backend import (
    PageCache,
)
from users.caching.fragments import FRAGMENT_MEMORY as MEMORY_OF_PIECES

NOT_READY = "not reachable, or not storing values"


# Seconds that a server is waited for where it is silent in a test, and where it is not. Both are
# more than the site's own, so that a machine with much to do is not taken for a silent server.
SILENCE = 2.0


PATIENCE = 30.0


class Server:
    """A Redis that can be hurt. It keeps its port when it is started again."""

    def __init__(self, folder: Path, stack: ExitStack):
        self.folder = folder
        self.stack = stack
        self.port = servers.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.direct = redis.Redis.from_url(self.url)
        self.process: subprocess.Popen
        stack.callback(self.direct.close)
        self.start()

    def start(self) -> None:
        command = [
            servers.redis_program(),
            "--bind",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        running = servers.running(
            command, stop=signal.SIGKILL, cwd=self.folder, stdout=subprocess.DEVNULL
        )
        self.process = self.stack.enter_context(running)
        servers.until(self.direct.ping, redis.ConnectionError, self.process, "Redis")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        self.kill()
        self.start()

    def freeze(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)
        assert self.direct.ping()

    def fill_up(self) -> None:
        self.direct.config_set("maxmemory-policy", "noeviction")
        self.direct.config_set("maxmemory", 1)

    def empty_out(self) -> None:
        self.direct.config_set("maxmemory", 0)

    def follow(self) -> None:
        self.direct.replicaof(
            "127.0.0.1", "1"
        )  # nobody listens there; what it has it goes on to show

    def lead(self) -> None:
        self.direct.replicaof("NO", "ONE")


FAULTS = {
    "refused": (Server.kill, Server.start),
    "silent": (Server.freeze, Server.thaw),
    "full": (Server.fill_up, Server.empty_out),
    "read-only": (Server.follow, Server.lead),
}


AWAY = ("refused", "silent")


class Counted:
    """Django-redis's cache; every call of it is counted, by name, and so is every socket that is
    opened.
    """

    def __init__(self, inner: Any):
        self.inner = inner
        self.calls = Counter()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)
        if not callable(method):
            return method

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            return method(*args, **kwargs)

        return call


def forget(pages: PageCache) -> None:
    """What the process remembers; Redis keeps it."""
    pages.memory.clear()
    MEMORY_OF_PIECES.clear()


def calls(pages: PageCache) -> int:
    return pages.redis.calls.total()


def use_all(pages: PageCache) -> None:
    """Does all that pages, rows and sessions do with a cache. The results may be anything."""
    pages.get("one")
    pages.get("one", "default")
    pages.get_many(["one", "two"])
    pages.set("one", 1, 60)
    pages.set_many({"two": 2, "three": "3"}, 60)
    pages.add("lock", True, 5)
    pages.has_key("two")
    pages.delete("one")
    pages.clear()
