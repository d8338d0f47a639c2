"""The cache alias `pages` on a Redis server of the test's own."""

import runpy
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from django_redis.pool import ConnectionFactory
from redis.connection import AbstractConnection

import settings as production
from tests.caching.broken_redis import PATIENCE, SILENCE, Counted, Server
from users.caching import backend
from users.caching.backend import (
    PageCache,
)
from users.caching.packing import WRONG_ENTRIES


@pytest.fixture(autouse=True)
def loud(monkeypatch) -> None:
    """Each test gets a first line about wrong entries."""
    monkeypatch.setattr(WRONG_ENTRIES, "quiet_until", 0.0)


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    with ExitStack() as stack:
        server = Server(tmp_path, stack)
        yield server
        backend.PROCESS_STATE.pop(server.url, None)
        if pool := ConnectionFactory._pools.pop(server.url, None):
            pool.disconnect()


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    """The module's clock stands still until a test sets `clock.now`."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(backend, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def configuration(request, server, monkeypatch) -> dict[str, Any]:
    """The alias as the site's settings make it of REDIS_URL, but for its patience."""
    seconds = SILENCE if "silen" in request.node.name else PATIENCE
    monkeypatch.setenv("REDIS_URL", server.url)
    made = runpy.run_path(production.__file__)["CACHES"]["pages"]
    return made | {
        "OPTIONS": made["OPTIONS"] | {"SOCKET_CONNECT_TIMEOUT": seconds, "SOCKET_TIMEOUT": seconds}
    }


@pytest.fixture
def make(configuration):
    """Another cache object of the same process, as each of its threads has one."""

    def make() -> PageCache:
        params = {
            name: value
            for name, value in configuration.items()
            if name not in ("BACKEND", "LOCATION")
        }
        pages = PageCache(configuration["LOCATION"], params)
        pages.redis = Counted(pages.redis)
        return pages

    return make


@pytest.fixture
def pages(make) -> PageCache:
    return make()


@pytest.fixture
def sockets(monkeypatch) -> list[Any]:
    """Every attempt to open a socket to Redis."""
    opened: list[Any] = []
    connect = AbstractConnection.connect_check_health

    def noted(self, *args: Any, **kwargs: Any) -> Any:
        if not self._sock:
            opened.append(self)
        return connect(self, *args, **kwargs)

    monkeypatch.setattr(AbstractConnection, "connect_check_health", noted)
    return opened
