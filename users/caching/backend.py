"""The cache alias `pages`: Redis behind circuit breakers, with a small memory in each process.

Its content is disposable, and no error of Redis is raised. If Redis refuses connections, times out,
is full, read-only or gone, reads find nothing, writes are lost, and Redis is not called for some
seconds. That costs time but never correctness, because readers verify what they get: the key of a
page contains the generation of its data, and a session is compared with its row.
docs/benchmarks.md says what the process memory (`page-memory`) and the lock (`redis-lock`) cost.
"""

import logging
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django_redis.cache import RedisCache
from redis.commands.core import Script
from redis.exceptions import RedisError, ResponseError

from users.caching import timing
from users.caching.packing import (
    WRONG_ENTRIES,
    WrongEntryError,
    pack_value,
    unpack_known,
    unpack_value,
)

logger = logging.getLogger(__name__)
# How long Redis is not called after an error.
BREAKER_SECONDS = 5.0
# How long a process remembers what it read. Less than the time that soft columns may be outdated.
MEMORY_SECONDS = 5.0
MEMORY_BYTES = 16 * 1024 * 1024
MISSING = object()
# Reads a key, and takes a lock if it is missing. The lock belongs to a process, whose threads
# coordinate among themselves (users/caching/pages.py).
CLAIM_SCRIPT = """
local found = redis.call('GET', KEYS[1])
if found then return found end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'EX', ARGV[2]) then return 1 end
return redis.call('GET', KEYS[2]) == ARGV[1] and 1 or 0
"""
# Identifies a process together with its process ID: forks share the boot ID.
BOOT_ID = secrets.token_hex(8)
CLAIM_SECONDS = 5
# Errors of Redis itself, and not of one entry.
REDIS_ERRORS = (RedisError, OSError)


class Breaker:
    """A circuit breaker, which opens for BREAKER_SECONDS after an error.

    Then one caller may try; the others are refused until it has succeeded.
    """

    def __init__(self, name: str, subject: str = "The page cache"):
        self.name = name
        self.subject = subject
        self.lock = threading.Lock()
        self.until = 0.0
        # The type of the last error, or "" while the breaker is closed.
        self.reason = ""

    @property
    def open(self) -> bool:
        return bool(self.reason)

    def may_pass(self) -> bool:
        if not self.reason:
            return True
        with self.lock:
            now = time.monotonic()
            if now < self.until:
                return False
            # This caller tries; the others are refused meanwhile.
            self.until = now + BREAKER_SECONDS
            return True

    def record_failure(self, error: Exception) -> None:
        name = type(error).__name__
        with self.lock:
            if not self.reason:
                logger.warning("%s is unavailable (%s): %s", self.subject, self.name, name)
            self.until = time.monotonic() + BREAKER_SECONDS
            self.reason = name

    def record_success(self) -> None:
        if not self.reason:
            return
        with self.lock:
            was_open = bool(self.reason)
            self.reason = ""
        if was_open:
            logger.warning("%s is available again (%s).", self.subject, self.name)


class ProcessMemory:
    """The newest few megabytes of entries that this process has read or written, as in Redis.

    It keeps entries that it read for MEMORY_SECONDS, and those that it wrote as long as Redis does.
    """

    def __init__(self, limit: int = MEMORY_BYTES):
        self.limit = limit
        self.size = 0
        self.lock = threading.Lock()
        self.items: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        item = self.items.get(key)
        if item and item[0] > time.monotonic():
            timing.note_reads("process_memory", "hit")
            return item[1]
        if item:
            self.forget(key)
        return None

    def put(self, key: str, value: bytes, seconds: float) -> None:
        with self.lock:
            # The older value is dropped even if the new one is too large to be kept.
            self.drop(key)
            if len(value) > self.limit // 8:
                return
            self.items[key] = (time.monotonic() + seconds, value)
            self.size += len(value)
            while self.size > self.limit:
                _, (_, oldest) = self.items.popitem(last=False)
                self.size -= len(oldest)

    def forget(self, key: str) -> None:
        with self.lock:
            self.drop(key)

    def drop(self, key: str) -> None:
        if (old := self.items.pop(key, None)) is not None:
            self.size -= len(old[1])

    def clear(self) -> None:
        with self.lock:
            self.items.clear()
            self.size = 0


class PageCache(BaseCache):
    """The part of Django's cache interface that pages, fragments and sessions need.

    LOCATION is the URL of Redis. Each thread has its own instance; they share the memory and the
    breakers of the process.
    """

    def __init__(self, server: str, params: dict[str, Any]):
        super().__init__(params)
        options = params.get("OPTIONS", {}) | {"SERIALIZER": "users.caching.packing.PlainBytes"}
        self.redis = RedisCache(server, params | {"OPTIONS": options})
        new_state = (ProcessMemory(), Breaker("reads"), Breaker("writes"))
        state = PROCESS_STATE.setdefault(server, new_state)
        self.memory, self.read_breaker, self.write_breaker = state
        # Writes to send at the end of `batch_writes`; None outside of it.
        self.batch: list[tuple[str, tuple, dict]] | None = None
        # Pipelines to execute after the response has been sent.
        self.pipelines: list[Any] = []
        # The lock that the next failed read takes ("" for none).
        self.wanted_lock = ""
        # Whether this process got the lock; None if it has not tried.
        self.lock_taken: bool | None = None
        self.script: Script | None = None

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        name = self.make_key(key, version)
        if (known := self.memory.get(name)) is not None:
            return unpack_known(known)
        entry = self.read(lambda: self.fetch(key, version), MISSING)
        if entry is MISSING:
            return default
        return self.accept({name: entry}).get(name, default)

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        found = {}
        rest = {}
        for key in keys:
            name = self.make_key(key, version)
            known = self.memory.get(name)
            if known is None:
                rest[key] = name
            else:
                found[key] = unpack_known(known)
        if not rest:
            return found
        read = self.read(lambda: self.redis.get_many([*rest], version=version), {})
        accepted = self.accept({rest[key]: entry for key, entry in read.items()})
        return found | {key: accepted[name] for key, name in rest.items() if name in accepted}

    def accept(self, entries: dict[str, Any]) -> dict[str, Any]:
        """Returns the values of the entries that this installation stored under these names."""
        timing.note_reads("redis", "hit", len(entries))
        values = {}
        for name, entry in entries.items():
            try:
                values[name] = unpack_value(name, entry)
            except WrongEntryError:
                WRONG_ENTRIES.note("page cache")
            else:
                self.memory.put(name, entry, MEMORY_SECONDS)
        return values

    def set(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        entry = self.remember(key, value, timeout, version)
        self.send("set", key, entry, timeout=timeout, version=version)

    def set_many(
        self, data: dict[str, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[str]:
        entries = {key: self.remember(key, value, timeout, version) for key, value in data.items()}
        if self.batch is None:
            return self.send("set_many", entries, timeout=timeout, version=version) or []
        for key, entry in entries.items():
            self.send("set", key, entry, timeout=timeout, version=version)
        return []

    def add(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """Stores the value if Redis has none, and returns whether it did.

        Returns True if Redis is unavailable.
        """
        entry = pack_value(self.make_key(key, version), value)

        def add() -> bool:
            return self.redis.add(key, entry, timeout=timeout, version=version)

        return bool(self.write(add, True))

    def delete(self, key: str, version: int | None = None) -> bool:
        """Returns whether the key existed. Within `batch_writes` it always returns True."""
        self.memory.forget(self.make_key(key, version))
        return bool(self.send("delete", key, version=version))

    def has_key(self, key: str, version: int | None = None) -> bool:
        return self.get(key, MISSING, version) is not MISSING

    def clear(self) -> None:
        self.memory.clear()
        self.write(self.redis.clear, None)

    def close(self, **kwargs: Any) -> None:
        """Executes the pipelines of `batch_writes`. Connections stay open for the next request.

        Django calls this after a response has been sent.
        """
        pipelines = self.pipelines
        self.pipelines = []
        for pipeline in pipelines:
            self.write(pipeline.execute, None)

    def current_error(self) -> str:
        """Returns the current error of Redis as requests in this process met it, or ""."""
        return self.read_breaker.reason or self.write_breaker.reason

    def probe(self) -> None:
        """Writes a value to Redis and reads it back, even if a breaker is open, and ends the pause
        of reads: a process with all pages in its memory would not try. Raises RedisError, OSError
        or LookupError.
        """
        self.redis.set("probe", b"here", 10)
        if self.redis.get("probe") != b"here":
            raise LookupError("it does not return what was stored")
        self.read_breaker.record_success()

    # --- through the breakers ---------------------------------------------------------------------

    @contextmanager
    def batch_writes(self) -> Iterator[None]:
        """Sends the writes of the block in one round trip, after the response has been sent.

        If the block fails or is nested in another, they are sent at its end. This process sees them
        at once.
        """
        outer = self.batch
        self.batch = []
        deferred = False
        try:
            yield
            deferred = outer is None
        finally:
            writes = self.batch
            self.batch = outer
            if writes and (pipeline := self.write(lambda: self.build_pipeline(writes), None)):
                self.pipelines.append(pipeline)
            if not deferred:
                self.close()

    def build_pipeline(self, writes: list[tuple[str, tuple, dict]]) -> Any:
        pipeline = self.redis.client.get_client(write=True).pipeline()
        for name, args, kwargs in writes:
            getattr(self.redis.client, name)(*args, **kwargs, client=pipeline)
        return pipeline

    @contextmanager
    def lock_on_miss(self, lock: str) -> Iterator[None]:
        """Makes the first read in the block that finds nothing take `lock`, in one round trip.

        `may_build` returns the outcome.
        """
        outer = (self.wanted_lock, self.lock_taken)
        self.wanted_lock = lock
        self.lock_taken = None
        try:
            yield
        finally:
            self.wanted_lock, self.lock_taken = outer

    def may_build(self) -> bool:
        """Returns whether no other process holds the lock; True if Redis is unavailable.

        Further reads do not take the lock.
        """
        self.wanted_lock = ""
        return self.lock_taken is not False

    def fetch(self, key: str, version: int | None) -> Any:
        if self.wanted_lock and self.write_breaker.may_pass():
            try:
                return self.fetch_or_lock(key, version)
            except ResponseError as error:
                # Redis is full or read-only, but can still be read.
                self.write_breaker.record_failure(error)
        return self.redis.get(key, MISSING, version=version)

    def fetch_or_lock(self, key: str, version: int | None) -> Any:
        client = self.redis.client
        if self.script is None:
            self.script = client.get_client(write=True).register_script(CLAIM_SCRIPT)
        keys = [client.make_key(name, version=version) for name in (key, self.wanted_lock)]
        found = self.script(keys, [f"{BOOT_ID}:{os.getpid()}", CLAIM_SECONDS])
        self.write_breaker.record_success()
        if isinstance(found, bytes):
            return client.decode(found)
        self.wanted_lock = ""
        self.lock_taken = bool(found)
        return MISSING

    def send(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Calls the method `name` of django-redis, now or at the end of `batch_writes`."""
        if self.batch is None:
            return self.write(lambda: getattr(self.redis, name)(*args, **kwargs), None)
        self.batch.append((name, args, kwargs))
        return True

    def read(self, call: Callable[[], Any], fallback: Any) -> Any:
        """Returns the result of `call`, or `fallback` after an error or with an open breaker."""
        if not self.read_breaker.may_pass():
            return fallback
        try:
            value = call()
        except REDIS_ERRORS as error:
            self.read_breaker.record_failure(error)
            return fallback
        self.read_breaker.record_success()
        return value

    def write(self, call: Callable[[], Any], fallback: Any) -> Any:
        """Returns the result of `call`, or `fallback` after an error or with an open breaker.

        A server that is full or read-only can still be read, so its errors open only the breaker of
        writes. All exceptions are caught, because pages work without the cache.
        """
        if self.read_breaker.open or not self.write_breaker.may_pass():
            return fallback
        try:
            value = call()
        except Exception as error:
            self.write_breaker.record_failure(error)
            if isinstance(error, REDIS_ERRORS) and not isinstance(error, ResponseError):
                self.read_breaker.record_failure(error)
            return fallback
        self.write_breaker.record_success()
        return value

    def remember(self, key: str, value: Any, timeout: Any, version: int | None) -> bytes:
        """Puts the value into the memory of the process and returns its entry."""
        name = self.make_key(key, version)
        entry = pack_value(name, value)
        self.memory.put(name, entry, self.seconds(timeout))
        return entry

    def seconds(self, timeout: Any) -> float:
        timeout = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return MEMORY_SECONDS if timeout is None else timeout


PROCESS_STATE: dict[str, tuple[ProcessMemory, Breaker, Breaker]] = {}
