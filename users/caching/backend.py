"""The cache alias `pages`: Redis behind a circuit breaker, with a small memory of each process in
front of it.

Disposable. Nothing here raises for a Redis that is refused, silent, full, read-only or gone: a read
finds nothing, a write keeps nothing, and for some seconds Redis is left alone. That costs time and
never truth, because every reader checks what comes back (a page's key holds the generation of its
data; a session is compared with its row).

The memory of the process and the lock have a price tag: `page-memory` and `redis-lock` in
docs/benchmarks.md.
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
from django_redis.serializers.base import BaseSerializer
from redis.commands.core import Script
from redis.exceptions import RedisError, ResponseError

from users.caching.packing import (
    WRONG_ENTRIES,
    WrongEntryError,
    pack_value,
    unpack_known,
    unpack_value,
)

logger = logging.getLogger(__name__)
# How long Redis is left alone after an error.
BREAKER_SECONDS = 5.0
# How long a process remembers what it read: less than pages may be late with soft columns.
MEMORY_SECONDS = 5.0
MEMORY_BYTES = 16 * 1024 * 1024
MISSING = object()
# The lock belongs to a process; its threads settle among themselves which of them builds.
CLAIM_SCRIPT = """
local found = redis.call('GET', KEYS[1])
if found then return found end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'EX', ARGV[2]) then return 1 end
return redis.call('GET', KEYS[2]) == ARGV[1] and 1 or 0
"""
# Names a process together with its id. A fork has the same boot id and another process id.
BOOT_ID = secrets.token_hex(8)
CLAIM_SECONDS = 5
# Errors that say something about Redis, and not about one entry.
REDIS_ERRORS = (RedisError, OSError)


class Breaker:
    """A circuit breaker. It opens for BREAKER_SECONDS at an error; then one caller may try, and the
    others wait for the outcome.
    """

    def __init__(self, name: str):
        self.name = name
        self.lock = threading.Lock()
        self.until = 0.0
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
            # This caller tries.
            self.until = now + BREAKER_SECONDS
            return True

    def failed(self, error: Exception) -> None:
        name = type(error).__name__
        with self.lock:
            if not self.reason:
                logger.warning("The page cache is unavailable (%s): %s", self.name, name)
            self.until = time.monotonic() + BREAKER_SECONDS
            self.reason = name

    def worked(self) -> None:
        if not self.reason:
            return
        with self.lock:
            was_open = bool(self.reason)
            self.until = 0.0
            self.reason = ""
        if was_open:
            logger.warning("The page cache is available again (%s).", self.name)


class PlainBytes(BaseSerializer):
    """Leaves entries as they are. django-redis would unpickle them."""

    def dumps(self, value: bytes) -> bytes:
        return value

    def loads(self, value: bytes) -> bytes:
        return value


class ProcessMemory:
    """The newest few megabytes of this process: entries that it read, for MEMORY_SECONDS, and
    entries that it wrote, as long as Redis keeps them (packed as in Redis, see packing.py).
    """

    def __init__(self, limit: int = MEMORY_BYTES):
        self.limit = limit
        self.size = 0
        self.lock = threading.Lock()
        self.items: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        item = self.items.get(key)
        if item is None:
            return None
        if item[0] <= time.monotonic():
            self.forget(key)
            return None
        return item[1]

    def put(self, key: str, value: bytes, seconds: float) -> None:
        with self.lock:
            # An older value goes even if the new one is too big to be kept.
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
    """Django's cache interface, as far as pages, rows and sessions need it. LOCATION is the URL of
    Redis.

    Each thread has an object of its own. Memory and breakers are the process's.
    """

    def __init__(self, server: str, params: dict[str, Any]):
        super().__init__(params)
        options = params.get("OPTIONS", {}) | {"SERIALIZER": "users.caching.backend.PlainBytes"}
        self.redis = RedisCache(server, params | {"OPTIONS": options})
        made = (ProcessMemory(), Breaker("reads"), Breaker("writes"))
        self.near, self.reading, self.writing = PROCESS_STATE.setdefault(server, made)
        # Writes that wait for the end of `together`.
        self.held: list[tuple[str, tuple, dict]] | None = None
        # Pipelines that wait until the response was sent.
        self.unsent: list[Any] = []
        # The lock that `claiming` wants, and whether this process holds it now.
        self.wanted = ""
        self.first: bool | None = None
        self.script: Script | None = None

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        name = self.make_key(key, version)
        if (known := self.near.get(name)) is not None:
            return unpack_known(known)
        entry = self.read(lambda: self.ask(key, version), MISSING)
        if entry is MISSING:
            return default
        return self.accept({name: entry}).get(name, default)

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        found = {}
        rest = {}
        for key in keys:
            name = self.make_key(key, version)
            known = self.near.get(name)
            if known is None:
                rest[key] = name
            else:
                found[key] = unpack_known(known)
        if not rest:
            return found
        read = self.read(lambda: self.redis.get_many([*rest], version=version), {})
        accepted = self.accept({rest[key]: entry for key, entry in read.items()})
        found |= {key: accepted[name] for key, name in rest.items() if name in accepted}
        return found

    def accept(self, entries: dict[str, Any]) -> dict[str, Any]:
        """Returns the values of the entries that this installation stored under these names."""
        values = {}
        for name, entry in entries.items():
            try:
                values[name] = unpack_value(name, entry)
            except WrongEntryError:
                WRONG_ENTRIES.note("page cache")
            else:
                self.near.put(name, entry, MEMORY_SECONDS)
        return values

    def set(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        # Made here: it is as good here as there.
        entry = self.remember(key, value, timeout, version)
        self.send("set", key, entry, timeout=timeout, version=version)

    def set_many(
        self, data: dict[str, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[str]:
        entries = {key: self.remember(key, value, timeout, version) for key, value in data.items()}
        if self.held is None:
            return self.send("set_many", entries, timeout=timeout, version=version) or []
        for key, entry in entries.items():
            self.send("set", key, entry, timeout=timeout, version=version)
        return []

    def add(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """Asks Redis alone. Without it every caller is the first."""
        entry = pack_value(self.make_key(key, version), value)
        ask = lambda: self.redis.add(key, entry, timeout=timeout, version=version)  # noqa: E731
        return bool(self.write(ask, True))

    def delete(self, key: str, version: int | None = None) -> bool:
        """Returns whether it was there; True inside `together`, which does not know yet."""
        self.near.forget(self.make_key(key, version))
        return bool(self.send("delete", key, version=version))

    def has_key(self, key: str, version: int | None = None) -> bool:
        return self.get(key, MISSING, version) is not MISSING

    def clear(self) -> None:
        self.near.clear()
        self.write(self.redis.clear, None)

    def close(self, **kwargs: Any) -> None:
        """Sends what `together` has left. Django calls this when a response was sent; connections
        are kept from one request to the next.
        """
        unsent = self.unsent
        self.unsent = []
        for pipeline in unsent:
            self.write(pipeline.execute, None)

    def trouble(self) -> str:
        """The error of Redis now, as far as requests have met it; "" if there is none."""
        return self.reading.reason or self.writing.reason

    def probe(self) -> None:
        """Writes to Redis and reads it back, whatever the breakers say. Raises RedisError, OSError
        or LookupError.
        """
        self.redis.set("probe", b"here", 10)
        if self.redis.get("probe") != b"here":
            raise LookupError("it does not return what was stored")

    # --- through the breakers ---------------------------------------------------------------------

    @contextmanager
    def together(self) -> Iterator[None]:
        """Writes of the block go to Redis in one round trip, when the response was sent and nobody
        waits any more. If the block fails, or stands in another, they are sent at its end. This
        process sees them at once.
        """
        outer = self.held
        self.held = []
        waits = False
        try:
            yield
            waits = outer is None
        finally:
            held = self.held
            self.held = outer
            if held and (pipeline := self.write(lambda: self.packed(held), None)):
                self.unsent.append(pipeline)
            if not waits:
                self.close()

    def packed(self, writes: list[tuple[str, tuple, dict]]) -> Any:
        """A pipeline of the writes."""
        pipeline = self.redis.client.get_client(write=True).pipeline()
        for name, args, kwargs in writes:
            getattr(self.redis.client, name)(*args, **kwargs, client=pipeline)
        return pipeline

    @contextmanager
    def claiming(self, lock: str) -> Iterator[None]:
        """The first read of the block that finds nothing also takes `lock`, in one round trip;
        `claimed` returns the outcome.
        """
        outer = (self.wanted, self.first)
        self.wanted = lock
        self.first = None
        try:
            yield
        finally:
            self.wanted, self.first = outer

    def claimed(self) -> bool:
        """Whether no other process holds the lock; none does if Redis does not answer."""
        # The next read takes no lock.
        self.wanted = ""
        return self.first is not False

    def ask(self, key: str, version: int | None) -> Any:
        if self.wanted and self.writing.may_pass():
            try:
                return self.ask_and_claim(key, version)
            except ResponseError as error:
                # It is full or read-only, and can still be read.
                self.writing.failed(error)
        return self.redis.get(key, MISSING, version=version)

    def ask_and_claim(self, key: str, version: int | None) -> Any:
        client = self.redis.client
        if self.script is None:
            self.script = client.get_client(write=True).register_script(CLAIM_SCRIPT)
        keys = [client.make_key(name, version=version) for name in (key, self.wanted)]
        found = self.script(keys, [f"{BOOT_ID}:{os.getpid()}", CLAIM_SECONDS])
        self.writing.worked()
        if isinstance(found, bytes):
            return client.decode(found)
        self.wanted = ""
        self.first = bool(found)
        return MISSING

    def send(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Calls django-redis' method `name`, now or at the end of `together`."""
        if self.held is None:
            return self.write(lambda: getattr(self.redis, name)(*args, **kwargs), None)
        self.held.append((name, args, kwargs))
        return True

    def read(self, ask: Callable[[], Any], otherwise: Any) -> Any:
        if not self.reading.may_pass():
            return otherwise
        try:
            value = ask()
        except REDIS_ERRORS as error:
            self.reading.failed(error)
            return otherwise
        self.reading.worked()
        return value

    def write(self, ask: Callable[[], Any], otherwise: Any) -> Any:
        """A server that is full or read-only can still be read, so such errors open the breaker of
        writes alone. Whatever the client raises, pages come without it.
        """
        if self.reading.open or not self.writing.may_pass():
            return otherwise
        try:
            value = ask()
        except Exception as error:
            self.writing.failed(error)
            if isinstance(error, REDIS_ERRORS) and not isinstance(error, ResponseError):
                self.reading.failed(error)
            return otherwise
        self.writing.worked()
        return value

    def remember(self, key: str, value: Any, timeout: Any, version: int | None) -> bytes:
        """Puts the value into the memory of the process and returns its entry."""
        name = self.make_key(key, version)
        entry = pack_value(name, value)
        self.near.put(name, entry, self.seconds(timeout))
        return entry

    def seconds(self, timeout: Any) -> float:
        timeout = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return MEMORY_SECONDS if timeout is None else timeout


PROCESS_STATE: dict[str, tuple[ProcessMemory, Breaker, Breaker]] = {}
