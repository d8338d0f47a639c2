"""The cache alias `pages`: Redis behind a circuit breaker, with a small memory of each process in
front of it.

Disposable. Nothing here raises for a Redis that is refused, silent, full, read-only or gone: a read
finds nothing, a write keeps nothing, and for some seconds Redis is left alone. That costs time and
never truth, because whoever reads checks what comes back (a page's key holds the generation of its
data; a session is compared with its row).
"""

import logging
import os
import pickle
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

logger = logging.getLogger(__name__)
BREAKER_SECONDS = 5.0  # seconds that Redis is left alone after an error
# seconds that a process remembers what it read: less than pages may be late with soft columns
MEMORY_SECONDS = 5.0
MEMORY_BYTES = 16 * 1024 * 1024  # bytes of that memory
MISSING = object()
# A lock belongs to a process: which of its threads builds is theirs to settle.
CLAIM_SCRIPT = """
local found = redis.call('GET', KEYS[1])
if found then return found end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'EX', ARGV[2]) then return 1 end
return redis.call('GET', KEYS[2]) == ARGV[1] and 1 or 0
"""
BOOT_ID = secrets.token_hex(8)  # together with the process' id, since a fork has it too
CLAIM_SECONDS = 5  # seconds
REDIS_ERRORS = (RedisError, OSError)  # what says something about Redis, and not about an entry


class Breaker:
    """Opens for ALONE seconds at an error; then one caller may try, and the others wait for what
    comes of it.
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
            self.until = now + BREAKER_SECONDS  # this caller tries
            return True

    def failed(self, error: Exception) -> None:
        with self.lock:
            if not self.reason:
                logger.warning(
                    "The page cache is unavailable (%s): %s", self.name, type(error).__name__
                )
            self.until = time.monotonic() + BREAKER_SECONDS
            self.reason = f"{type(error).__name__}"

    def worked(self) -> None:
        if not self.reason:
            return
        with self.lock:
            back = bool(self.reason)
            self.until = 0.0
            self.reason = ""
        if back:
            logger.warning("The page cache is available again (%s).", self.name)


class ProcessMemory:
    """The newest few megabytes of this process: what it read for NEAR seconds, what it wrote as
    long as Redis keeps it.
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
            self.drop(key)  # also where the new one is too big to be kept
            if len(value) > self.limit // 8:
                return
            self.items[key] = (time.monotonic() + seconds, value)
            self.size += len(value)
            while self.size > self.limit:
                self.size -= len(self.items.popitem(last=False)[1][1])

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
    """Django's cache interface, as far as pages, rows and sessions need it. LOCATION: the URL of
    Redis.
    """

    def __init__(self, server: str, params: dict[str, Any]):
        super().__init__(params)
        self.redis = RedisCache(server, params)
        self.near, self.reading, self.writing = PROCESS_STATE.setdefault(
            server, (ProcessMemory(), Breaker("reads"), Breaker("writes"))
        )
        self.held: list[tuple[str, tuple, dict]] | None = (
            None  # writes that wait for the end of `together`
        )
        self.wanted = ""  # the lock that `claiming` wants
        self.first: bool | None = None  # whether this process holds it now
        self.script: Script | None = None

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        if (known := self.near.get(self.make_key(key, version))) is not None:
            return pickle.loads(known)  # noqa: S301  made by this process
        value = self.read(lambda: self.ask(key, version), MISSING)
        if value is MISSING:
            return default
        self.remember(key, value, MEMORY_SECONDS, version)
        return value

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        keys = list(keys)
        near = {
            key: known
            for key in keys
            if (known := self.near.get(self.make_key(key, version))) is not None
        }
        found = {key: pickle.loads(known) for key, known in near.items()}  # noqa: S301  made by this process
        if len(found) < len(keys):
            rest = [key for key in keys if key not in found]
            for key, value in self.read(
                lambda: self.redis.get_many(rest, version=version), {}
            ).items():
                found[key] = value
                self.remember(key, value, MEMORY_SECONDS, version)
        return found

    def set(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        self.remember(
            key, value, self.seconds(timeout), version
        )  # made here: it is as good here as there
        self.send("set", key, value, timeout=timeout, version=version)

    def set_many(
        self, data: dict[str, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[str]:
        for key, value in data.items():
            self.remember(key, value, self.seconds(timeout), version)
        if self.held is None:
            return self.send("set_many", data, timeout=timeout, version=version) or []
        for key, value in data.items():
            self.send("set", key, value, timeout=timeout, version=version)
        return []

    def add(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """Asks Redis alone. Without it everybody is the first."""
        return bool(
            self.write(lambda: self.redis.add(key, value, timeout=timeout, version=version), True)
        )

    def delete(self, key: str, version: int | None = None) -> bool:
        """Whether it was there; True inside `together`, which does not know yet."""
        self.near.forget(self.make_key(key, version))
        return bool(self.send("delete", key, version=version))

    def has_key(self, key: str, version: int | None = None) -> bool:
        return self.get(key, MISSING, version) is not MISSING

    def clear(self) -> None:
        self.near.clear()
        self.write(self.redis.clear, None)

    def close(self, **kwargs: Any) -> None:
        """Connections are kept from one request to the next."""

    def trouble(self) -> str:
        """What is wrong with Redis now, as far as requests have met it; "" where nothing is."""
        return self.reading.reason or self.writing.reason

    def probe(self) -> None:
        """Writes to Redis and reads it back, whatever the breakers say. Raises RedisError, OSError
        or LookupError.
        """
        self.redis.set("probe", "here", 10)
        if self.redis.get("probe") != "here":
            raise LookupError("it does not return what was stored")

    # --- the way through the breakers -------------------------------------------------------------

    @contextmanager
    def together(self) -> Iterator[list[Callable[[], None]]]:
        """What the block writes is sent to Redis in one round trip, by what it is given a list for:
        the caller calls that when nobody waits any more. Where the block fails, or stands in
        another, it is sent at once. This process sees it at once.

        Everything is packed at the end of the block, since later somebody may have changed it.
        """
        outer = self.held
        self.held = []
        later: list[Callable[[], None]] = []
        waits = False
        try:
            yield later
            waits = outer is None
        finally:
            held = self.held
            self.held = outer
            if held and (pipeline := self.write(lambda: self.packed(held), None)):
                later.append(lambda: self.write(pipeline.execute, None))
                if not waits:
                    later.pop()()

    def packed(self, writes: list[tuple[str, tuple, dict]]) -> Any:
        """A pipeline of them."""
        pipeline = self.redis.client.get_client(write=True).pipeline()
        for name, args, kwargs in writes:
            getattr(self.redis.client, name)(*args, **kwargs, client=pipeline)
        return pipeline

    @contextmanager
    def claiming(self, lock: str) -> Iterator[None]:
        """The first read of the block that finds nothing also takes `lock`, in one round trip;
        `claimed` says what came of it.
        """
        outer = self.wanted, self.first
        self.wanted = lock
        self.first = None
        try:
            yield
        finally:
            self.wanted, self.first = outer

    def claimed(self) -> bool:
        """Whether no other process holds the lock; none does where Redis does not answer."""
        self.wanted = ""  # what is read next takes none
        return self.first is not False

    def ask(self, key: str, version: int | None) -> Any:
        if self.wanted and self.writing.may_pass():
            try:
                return self.ask_and_claim(key, version)
            except ResponseError as error:  # it is full or read-only, and still reads
                self.writing.failed(error)
        return self.redis.get(key, MISSING, version=version)

    def ask_and_claim(self, key: str, version: int | None) -> Any:
        client = self.redis.client
        self.script = self.script or client.get_client(write=True).register_script(CLAIM_SCRIPT)
        keys = [client.make_key(name, version=version) for name in (key, self.wanted)]
        found = self.script(keys, [f"{BOOT_ID}:{os.getpid()}", CLAIM_SECONDS])
        self.writing.worked()
        if isinstance(found, bytes):
            return client.decode(found)
        self.wanted = ""
        self.first = bool(found)
        return MISSING

    def send(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """django-redis' method `name`, now or at the end of `together`."""
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
        # Redis is well, but an entry cannot be read here: whoever asked makes it anew and writes
        # over it
        except Exception:
            value = otherwise
        self.reading.worked()
        return value

    def write(self, ask: Callable[[], Any], otherwise: Any) -> Any:
        """A server that is full or read-only still reads."""
        if self.reading.open or not self.writing.may_pass():
            return otherwise
        try:
            value = ask()
        except Exception as error:  # whatever the client raises, pages come without it
            self.writing.failed(error)
            if isinstance(error, REDIS_ERRORS) and not isinstance(error, ResponseError):
                self.reading.failed(error)
            return otherwise
        self.writing.worked()
        return value

    def remember(self, key: str, value: Any, seconds: float, version: int | None) -> None:
        packed = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        self.near.put(self.make_key(key, version), packed, seconds)

    def seconds(self, timeout: Any) -> float:
        timeout = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return MEMORY_SECONDS if timeout is None else timeout


# Each thread has a cache object of its own; memory and breakers are the process's.
PROCESS_STATE: dict[str, tuple[ProcessMemory, Breaker, Breaker]] = {}
