"""The Redis of Rollcall's page cache."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.servers import redis_server


@dataclass(frozen=True)
class Cache:
    """A Redis server. `pid` is 0 unless this run started the server and so may stop it."""

    url: str
    version: str
    pid: int = 0


@contextmanager
def open_cache(url: str) -> Iterator[Cache]:
    """Yields the Redis at `url`, or without a URL one that runs until the block ends.

    Raises RuntimeError, OSError or RedisError.
    """
    if url:
        yield Cache(url, server_version(server_info(url)))
        return
    with (
        tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder,
        redis_server(Path(folder) / "redis") as own,
    ):
        found = server_info(own)
        yield Cache(own, server_version(found), int(found["process_id"]))


def server_info(url: str) -> dict[str, str]:
    with redis.Redis.from_url(url) as client:
        return client.info("server")


def server_version(found: dict[str, str]) -> str:
    if "valkey_version" in found:
        return f"Valkey {found['valkey_version']}"
    return f"Redis {found['redis_version']}"
