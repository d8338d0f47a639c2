"""The Redis for Rollcall's pages."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.servers import redis_server


@dataclass(frozen=True)
class Cache:
    """A Redis. `pid` is that of its process if this run started it and so may stop it; else 0."""

    url: str
    version: str
    pid: int = 0


@contextmanager
def cache(url: str) -> Iterator[Cache]:
    """The Redis at `url`, or one of our own that runs until the block ends. Raises RuntimeError,
    OSError or RedisError.
    """
    if url:
        yield Cache(url, version(about(url)))
        return
    with (
        tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder,
        redis_server(Path(folder) / "redis") as own,
    ):
        found = about(own)
        yield Cache(own, version(found), int(found["process_id"]))


def about(url: str) -> dict[str, str]:
    with redis.Redis.from_url(url) as client:
        return client.info("server")


def version(found: dict[str, str]) -> str:
    if "valkey_version" in found:
        return f"Valkey {found['valkey_version']}"
    return f"Redis {found['redis_version']}"
