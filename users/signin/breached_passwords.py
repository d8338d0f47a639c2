"""Refuses passwords that have been published, by the operator's own file of their digests.

The file is that of Have I Been Pwned, ordered by hash: 40 GB, in which a search reads 40 lines.
"""

import hashlib
import logging
import os
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.exceptions import ValidationError

DIGEST_LENGTH = 40
BREACHED_TEXT = (
    "This password is in a list of passwords that were published after break-ins elsewhere. "
    "Choose another one."
)
logger = logging.getLogger("rollcall.passwords")


class BreachedPasswordValidator:
    """Looks a password up in BREACHED_PASSWORDS_FILE; without the setting it accepts any."""

    def validate(self, password: str, user: object = None) -> None:
        if settings.BREACHED_PASSWORDS_FILE and is_breached(password):
            raise ValidationError(BREACHED_TEXT, code="password_breached")

    def get_help_text(self) -> str:
        return ""


def is_breached(password: str) -> bool:
    """Returns whether the file has the password. A file that has become unreadable has none."""
    data = password.encode(errors="surrogatepass")
    digest = hashlib.sha1(data, usedforsecurity=False).hexdigest().upper().encode()
    try:
        with Path(settings.BREACHED_PASSWORDS_FILE).open("rb") as file:
            return find_digest(file, digest)
    except OSError:
        logger.exception("BREACHED_PASSWORDS_FILE can't be read; the password was not looked up")
        return False


def find_digest(file: BinaryIO, digest: bytes) -> bool:
    """Returns whether a line of the sorted file begins with the digest, by binary search over the
    positions of bytes.
    """
    low = 0
    high = file.seek(0, os.SEEK_END)
    while low < high:
        middle = (low + high) // 2
        found = digest_from(file, middle)
        if found and found < digest:
            low = middle + 1
        else:
            high = middle
    return digest_from(file, low) == digest


def digest_from(file: BinaryIO, position: int) -> bytes:
    """Returns the digest of the first line that begins at or after the position; b"" at the end."""
    file.seek(max(position - 1, 0))
    if position:
        file.readline()
    return file.readline()[:DIGEST_LENGTH]
