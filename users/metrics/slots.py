"""Slots: each process that counts has the lowest number that no other living process has.

The files of metrics are named by slot. A process continues the counts of the one that had its slot
before, so restarts leave no files behind and no counter goes back.

A slot is a lock on one byte of a file, which the system releases however the process ends. So the
processes of two servers (during a restart) and of the queue share the numbers without a master.
"""

import fcntl
import logging
import os
import struct
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

from users.metrics.registry import reset_metrics

logger = logging.getLogger(__name__)
MAX_SLOTS = 256
# What reading a damaged file raises.
FILE_ERRORS = (RuntimeError, ValueError, struct.error)
# The room is reserved at the start: a process that writes to a mapped file on a full disk is
# killed. All views with all statuses need about a third of it.
FILE_BYTES = {"counter": 256 * 1024, "histogram": 2 * 1024 * 1024}


class ProcessSlot:
    """The slot of this process, and the file whose lock holds it."""

    def __init__(self) -> None:
        self.pid = 0
        self.number: int | None = None
        self.locks: BinaryIO | None = None


OWN_SLOT = ProcessSlot()


def metrics_folder() -> Path:
    return Path(settings.VAR_DIR) / "metrics"


def take_slot() -> int | None:
    """Takes the lowest free slot, once for each process, and returns it.

    Without room on the disk or without free slots the process counts in its memory, and returns
    None.
    """
    if OWN_SLOT.pid == os.getpid():
        return OWN_SLOT.number
    OWN_SLOT.pid = os.getpid()
    OWN_SLOT.number = None
    try:
        folder = metrics_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        OWN_SLOT.locks = (folder / "slots").open("ab")
        number = lock_slot(OWN_SLOT.locks)
        for kind, size in FILE_BYTES.items():
            prepare_file(folder / f"{kind}_{number}.db", size)
    except OSError as error:
        logger.warning("Metrics of this process are off: %s", error.strerror or error)
        return None
    OWN_SLOT.number = number
    reset_metrics()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: number)
    return number


def lock_slot(locks: BinaryIO) -> int:
    """Locks the first free byte, whose position is the slot. Raises OSError without one."""
    for number in range(MAX_SLOTS):
        try:
            fcntl.lockf(locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except (BlockingIOError, PermissionError):
            continue
        return number
    raise OSError(f"all {MAX_SLOTS} slots are taken")


def prepare_file(path: Path, size: int) -> None:
    """Creates the file with its room reserved. One that a crash of the machine has damaged begins
    anew. A scrape never sees it without content.
    """
    if is_intact(path):
        return
    if path.exists():
        logger.warning("The metrics in %s were damaged and begin at zero.", path.name)
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        file.truncate(size)
    new.replace(path)


def is_intact(path: Path) -> bool:
    """Returns whether the file exists and can be read to its end."""
    try:
        for _ in MmapedDict.read_all_values_from_file(str(path)):
            pass
    except (FileNotFoundError, *FILE_ERRORS):
        return False
    return True
