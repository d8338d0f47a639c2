"""A disk of a few megabytes (tmpfs), and a copy of the test's database on it."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from tests.plugins.summary import NOT_PERMITTED


class SmallDisk:
    """A mounted tmpfs."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.filler = folder / "filler"

    def fill(self) -> None:
        """Writes until there is no room for another byte."""
        with suppress(OSError), self.filler.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
        assert shutil.disk_usage(self.folder).free == 0

    def free(self) -> None:
        self.filler.unlink()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mounts a disk at `folder`. Skips the test without the right to."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(NOT_PERMITTED)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def small_database(megabytes: int) -> Iterator[SmallDisk]:
    """Moves the test to a copy of its database on a small disk. Processes that it starts get the
    address of the copy. Its log (WAL) is on the disk of the server.
    """
    [server] = parse_qs(urlsplit(os.environ["DATABASE_URL"]).query)["host"]
    name = f"small_{uuid4().hex[:8]}"
    usual = connection.settings_dict["NAME"]
    with small_disk(Path(server) / name, megabytes) as disk:
        place = disk.folder / "data"
        place.mkdir()
        nobody = pwd.getpwnam("nobody")
        os.chown(place, nobody.pw_uid, nobody.pw_gid)
        connection.close()
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as direct:
            direct.execute(f"CREATE TABLESPACE {name} LOCATION '{place}'".encode())
            copy = f"CREATE DATABASE {name} TEMPLATE {usual} TABLESPACE {name} STRATEGY file_copy"
            direct.execute(copy.encode())
        connection.settings_dict["NAME"] = name
        try:
            yield disk
        finally:
            connection.close()
            connection.settings_dict["NAME"] = usual
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as direct:
                direct.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
                direct.execute(f"DROP TABLESPACE {name}".encode())
