"""A streaming replica of the PostgreSQL server of this leg, and its alias in Django."""

import os
import pwd
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import environ
import psutil
import psycopg
from connections import replica_settings
from django.db import connection, connections, router

from tests import servers
from tests.processes import database_url, until
from users.database import replica

# Flushes all that was committed before: the servers of the tests flush late.
FLUSH = "SET synchronous_commit = on; SELECT pg_logical_emit_message(true, 'test', '')"
POSITION = "SELECT pg_current_wal_insert_lsn()"
HAS_REPLAYED = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"


class Replica:
    """The server, as a test controls it."""

    def __init__(self, url: str, process: Any):
        self.url = url
        self.process = process

    def execute(self, statement: str, *params: Any) -> Any:
        with psycopg.connect(self.url, autocommit=True) as direct:
            return direct.execute(statement, params or None).fetchone()

    def pause(self) -> None:
        self.execute("SELECT pg_wal_replay_pause()")
        until(lambda: self.execute("SELECT pg_get_wal_replay_pause_state()") == ("paused",))

    def resume(self) -> None:
        """Returns when all that has been committed is replayed."""
        self.execute("SELECT pg_wal_replay_resume()")
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as primary:
            (position,) = primary.execute(POSITION).fetchone() or ("",)
            primary.execute(FLUSH)
        until(lambda: self.execute(HAS_REPLAYED, position) == (True,))

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The host hangs: all processes of the server are suspended."""
        server = psutil.Process(self.process.pid)
        processes = [server, *server.children(recursive=True)]
        for each in processes:
            each.suspend()
        try:
            yield
        finally:
            for each in processes:
                each.resume()


@contextmanager
def replica_server(folder: Path) -> Iterator[Replica]:
    """Yields a replica of the server of this leg, with a copy of all that it holds."""
    folder.mkdir(parents=True)
    account: dict = {}
    programs = servers.postgresql_programs()
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        programs = servers.reachable(programs, folder, account)
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    options = account | {"cwd": folder, "env": os.environ | {"PGOPTIONS": ""}}
    [primary] = parse_qs(urlsplit(os.environ["DATABASE_URL"]).query)["host"]
    data = folder / "data"
    copy = [programs / "pg_basebackup", "-D", data, "-h", primary, "-U", "postgres"]
    subprocess.run([*copy, "-R", "-X", "stream", "-c", "fast", "--no-sync"], check=True, **options)
    command = [programs / "postgres", "-D", data, "-k", folder]
    # The primary keeps rows that a query of the replica sees, so that no replay cancels it.
    command += ["-c", "hot_standby_feedback=on", "-c", "max_standby_streaming_delay=-1"]
    for name, value in servers.FAST.items():
        command += ["-c", f"{name}={value}"]
    url = urlsplit(database_url())._replace(query=f"host={folder}").geturl()
    with servers.running(command, stop=signal.SIGQUIT, **options) as process:
        probe = lambda: psycopg.connect(url).close()  # noqa: E731
        servers.until(probe, psycopg.OperationalError, process, "The replica")
        yield Replica(url, process)


@contextmanager
def replica_alias(url: str) -> Iterator[None]:
    """Django's alias of a replica, as REPLICA_URL makes it."""
    with patch.dict(os.environ, {"REPLICA_URL": url}):
        [alias] = replica_settings(environ.Env()).values()
    alias["CONN_MAX_AGE"] = 0
    both = {"default": connections.settings["default"], replica.ALIAS: alias}
    connections.settings[replica.ALIAS] = connections.configure_settings(both)[replica.ALIAS]
    with patch.dict(router.__dict__, {"routers": [replica.ReplicaRouter()]}):
        yield
    connections[replica.ALIAS].close()
    del connections[replica.ALIAS]
    del connections.settings[replica.ALIAS]
    connection.close()
