"""Anchors of the chain: its position and hash at a given time, stored outside of the database. A
chain that was rewritten or shortened as a whole is consistent in itself, but not with them.
"""

import logging
import os
import re
from collections.abc import Iterable
from datetime import timedelta
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import transaction

from users.audit.chain import lock_chain_head
from users.audit.models import ChainHead
from users.database.clock import current_time

logger = logging.getLogger(__name__)

ANCHOR_INTERVAL = timedelta(minutes=10)
ANCHOR_PATTERN = re.compile(r"audit-anchor at=(\S+) position=([0-9]{1,19}) hash=([0-9a-f]{64})\b")


class Anchor(NamedTuple):
    at: str
    position: int
    hash: bytes


def write_anchor() -> str:
    """Writes the end of the chain to the log and to AUDIT_ANCHOR_FILE, if it has moved and the last
    anchor is at least ten minutes old. Returns the line; "" if none was written.
    """
    now = current_time()
    with transaction.atomic():
        head = lock_chain_head()
        if head.position == head.anchored_position:
            return ""
        # A time far in the future, from when the clock was ahead, must not block this.
        if head.anchored_at and abs(now - head.anchored_at) < ANCHOR_INTERVAL:
            return ""
        head.anchored_position = head.position
        head.anchored_at = now
        head.save(update_fields=["anchored_position", "anchored_at"])
    line = anchor_line(head)
    logger.info(line)
    append_anchor_line(line)
    return line


def anchor_line(head: ChainHead) -> str:
    at = (head.anchored_at or current_time()).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"audit-anchor at={at} position={head.position} hash={bytes(head.hash).hex()}"


def append_anchor_line(line: str) -> None:
    """Appends a line to AUDIT_ANCHOR_FILE. An error is only logged, since the log has the line
    too.
    """
    if not settings.AUDIT_ANCHOR_FILE:
        return
    try:
        path = Path(settings.AUDIT_ANCHOR_FILE)
        path.parent.mkdir(parents=True, exist_ok=True)
        append_whole_line(path, line)
    except OSError as error:
        logger.error(
            "The audit anchor could not be written to %s: %s", settings.AUDIT_ANCHOR_FILE, error
        )


def append_whole_line(path: Path, line: str) -> None:
    """Appends the line, or nothing of it if the disk is full."""
    size = path.stat().st_size if path.exists() else 0
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError:
        if path.exists():
            os.truncate(path, size)
        raise


def read_anchors(lines: Iterable[str]) -> list[Anchor]:
    """Returns the anchors in a file of them or in a log, in the order of their positions."""
    anchors = []
    for line in lines:
        if match := ANCHOR_PATTERN.search(line):
            at, position, chain_hash = match.groups()
            anchors.append(Anchor(at, int(position), bytes.fromhex(chain_hash)))
    return sorted(anchors, key=attrgetter("position"))
