"""Values of the caches as bytes: a keyed digest, a letter for the kind, and the content.

Whoever can write to Redis or to the table of the cache can store what they like. So nothing that is
read is unpickled, and the digest covers the key too: bytes that this installation did not store
under this very key are as good as none.
"""

import json
import logging
import threading
import time
from datetime import datetime
from functools import cache
from hashlib import blake2b
from hmac import compare_digest
from typing import Any

from django.http import HttpResponse
from django.utils.crypto import salted_hmac
from django_redis.serializers.base import BaseSerializer

logger = logging.getLogger(__name__)
DIGEST_SIZE = 16
# Between two log lines about entries that are not ours.
WARNING_SECONDS = 600
TEXT = b"t"
JSON = b"j"
PAGE = b"p"
HEAD_SIZE = 4


class WrongEntryError(Exception):
    """An entry that was not stored by this installation under this key."""


class PlainBytes(BaseSerializer):
    """Leaves entries as they are. django-redis would unpickle them."""

    def dumps(self, value: bytes) -> bytes:
        return value

    def loads(self, value: bytes) -> bytes:
        return value


class StoredResponse(HttpResponse):
    """A page as it is cached: compressed, with the time at which it expires and the number of rows
    that count as an export.
    """

    expiry: datetime | None = None
    row_count = 0


def pack_value(key: str, value: Any) -> bytes:
    """Returns the entry for `value`: text, a StoredResponse, or what JSON holds (tuples become
    lists). Raises TypeError for anything else.
    """
    if isinstance(value, str):
        body = TEXT + value.encode("utf-8", "surrogatepass")
    elif isinstance(value, StoredResponse):
        body = PAGE + pack_response(value)
    else:
        body = JSON + json.dumps(value).encode()
    return entry_digest(key, body) + body


def unpack_value(key: str, entry: object) -> Any:
    """Returns the value of an entry as read from outside. Raises WrongEntryError."""
    if not isinstance(entry, bytes) or len(entry) <= DIGEST_SIZE:
        raise WrongEntryError
    if not compare_digest(entry[:DIGEST_SIZE], entry_digest(key, entry[DIGEST_SIZE:])):
        raise WrongEntryError
    return unpack_known(entry)


def unpack_known(entry: bytes) -> Any:
    """Returns the value of an entry whose digest was checked, or that never left the process."""
    kind = entry[DIGEST_SIZE : DIGEST_SIZE + 1]
    body = entry[DIGEST_SIZE + 1 :]
    if kind == TEXT:
        return body.decode("utf-8", "surrogatepass")
    if kind == PAGE:
        return unpack_response(body)
    return json.loads(body)


def entry_digest(key: str, body: bytes) -> bytes:
    """Returns the keyed BLAKE2b of cache key and body. The length keeps the two apart."""
    name = key.encode()
    digest = blake2b(b"%d:" % len(name), key=digest_key(), digest_size=DIGEST_SIZE)
    digest.update(name)
    digest.update(body)
    return digest.digest()


@cache
def digest_key() -> bytes:
    return salted_hmac("users.caching.packing", "entries", algorithm="sha256").digest()


# --- pages ----------------------------------------------------------------------------------------


def pack_response(response: StoredResponse) -> bytes:
    head = {
        "headers": [*response.items()],
        "expiry": response.expiry.isoformat() if response.expiry else None,
        "row_count": response.row_count,
    }
    packed = json.dumps(head).encode()
    return len(packed).to_bytes(HEAD_SIZE, "big") + packed + response.content


def unpack_response(body: bytes) -> StoredResponse:
    end = HEAD_SIZE + int.from_bytes(body[:HEAD_SIZE], "big")
    head = json.loads(body[HEAD_SIZE:end])
    response = StoredResponse(body[end:], headers=dict(head["headers"]))
    response.expiry = datetime.fromisoformat(head["expiry"]) if head["expiry"] else None
    # Earlier releases, which may still be running, store none.
    response.row_count = head.get("row_count", 0)
    return response


# --- the log --------------------------------------------------------------------------------------


class WrongEntryLog:
    """Logs entries that are not ours: one line for all of them, at most every ten minutes."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.quiet_until = 0.0

    def note(self, cache_name: str) -> None:
        now = time.monotonic()
        with self.lock:
            if now < self.quiet_until:
                return
            self.quiet_until = now + WARNING_SECONDS
        logger.warning("The %s has entries that this installation did not store.", cache_name)


WRONG_ENTRIES = WrongEntryLog()
