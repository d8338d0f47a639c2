"""Backs up the PostgreSQL server of this leg, and restores it as a second server.

It uses the commands of "Backup and restore" in docs/operating.md.
"""

import os
import pwd
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from django.db import connection

from tests.processes import database_url, until
from tests.servers import FAST, postgresql_programs, reachable, running

SLOT = "rollcall_backup"


class Backups:
    """A base backup, and all WAL since then, as a streaming client receives it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.data = folder / "data"
        self.archive = folder / "archive"
        self.archive.mkdir()
        self.programs = postgresql_programs()
        host = parse_qs(urlsplit(os.environ["DATABASE_URL"]).query)["host"][0]
        self.server = ["-h", host, "-U", "postgres"]

    @contextmanager
    def receiving_wal(self) -> Iterator[None]:
        command = [self.programs / "pg_receivewal", "-D", self.archive, *self.server]
        # Without a slot, the server may remove WAL that was not received yet.
        command += ["--slot", SLOT]
        subprocess.run([*command, "--create-slot"], check=True)
        try:
            with running(command, stop=signal.SIGINT):
                until(lambda: list(self.archive.iterdir()))
                yield
        finally:
            subprocess.run([*command, "--drop-slot"], check=True)

    def copy_data(self) -> None:
        command = [self.programs / "pg_basebackup", "-D", self.data, *self.server]
        command += ["--checkpoint=fast", "--wal-method=none", "--no-sync"]
        subprocess.run(command, check=True, capture_output=True)

    def archive_wal(self) -> None:
        """Ends the segment that is being written, and returns once it has been received."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_walfile_name(pg_switch_wal())")
            [segment] = cursor.fetchone()
        until((self.archive / segment).exists)

    @contextmanager
    def restored_server(self, moment: str) -> Iterator[str]:
        """Yields the URL of the test's database as it was at `moment`."""
        account: dict = {}
        programs = self.programs
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            nobody = pwd.getpwnam("nobody")
            account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            programs = reachable(programs, self.folder, account)
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
        settings = FAST | {
            "restore_command": f"cp {self.archive}/%f %p",
            "recovery_target_time": moment,
            "recovery_target_action": "promote",
        }
        (self.data / "recovery.signal").touch()
        command = [programs / "postgres", "-D", self.data, "-k", self.folder]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        url = urlsplit(database_url())._replace(query=f"host={self.folder}").geturl()
        with running(command, stop=signal.SIGQUIT, cwd=self.folder, **account):
            until(lambda: has_recovered(url))
            yield url


def has_recovered(url: str) -> bool:
    try:
        with psycopg.connect(url) as restored:
            return restored.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
    except psycopg.OperationalError:
        return False
