"""A Redis of a test's own behind the cache, on either leg: it is killed, started again, frozen and
thawed.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import redis
from django.conf import settings
from django.core.cache import caches
from django.test import override_settings
from django_redis.pool import ConnectionFactory
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests import servers
from tests.processes import until
from users.caching import backend

ALONE = 0.05  # seconds that Redis is left alone after an error; a test does not wait for longer


class Redis:
    def __init__(self, folder: Path):
        self.folder = folder
        self.stack = ExitStack()
        self.port = servers.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen

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
        with redis.Redis.from_url(self.url) as direct:
            servers.until(direct.ping, redis.ConnectionError, self.process, "Redis")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)
        with redis.Redis.from_url(self.url) as direct:
            assert direct.ping()


def alias(url: str, patience: float) -> dict:
    retry = {"retry": Retry(NoBackoff(), 1, (redis.ConnectionError,))}
    options = {
        "SOCKET_CONNECT_TIMEOUT": patience,
        "SOCKET_TIMEOUT": patience,
        "CONNECTION_POOL_KWARGS": retry,
    }
    pages = {
        "BACKEND": "users.caching.backend.PageCache",
        "LOCATION": url,
        "KEY_PREFIX": "test",
        "OPTIONS": options,
    }
    return settings.CACHES | {"pages": pages}


@contextmanager
def cache_at(url: str, patience: float = 30) -> Iterator[None]:
    """The alias `pages` on that server, whether anything answers there or not. `patience`: seconds
    that an answer may take; a machine with much to do is no silent server.
    """
    with (
        override_settings(CACHES=alias(url, patience)),
        patch.object(backend, "BREAKER_SECONDS", ALONE),
    ):
        try:
            yield
        finally:
            backend.PROCESS_STATE.pop(url, None)
            if pool := ConnectionFactory._pools.pop(url, None):
                pool.disconnect()


@contextmanager
def own_redis(folder: Path, patience: float = 30) -> Iterator[Redis]:
    server = Redis(folder)
    with server.stack, cache_at(server.url, patience):
        server.start()
        yield server


def until_back() -> None:
    """Returns when the cache asks Redis again."""
    until(asked)


def asked() -> bool:
    caches["pages"].get("nothing")
    caches["pages"].add("something", 1, 1)
    return not caches["pages"].current_error()
