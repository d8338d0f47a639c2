"""The PostgreSQL primary, its streaming replica, and two PgBouncers in front of the primary."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg

from benchmarks.faults.supervised import Supervised, supervised
from benchmarks.server import (
    create_cluster,
    ensure_database,
    nobody_account,
    server_command,
    server_environment,
    wait_for_server,
)
from tests.pooler import MISSING, PGBOUNCER, pooler_account, pooler_url, write_configuration
from tests.servers import free_port, postgresql_programs, reachable, until

# For which the primary is away when it is restarted: longer than requests wait for it.
PRIMARY_SECONDS = 8.0
# What the role of web processes has behind PgBouncer (docs/operating.md). Workers share it here.
ROLE_SETTINGS = {"enable_seqscan": "off", "jit": "off"}


@contextmanager
def run_primary(folder: Path) -> Iterator[str]:
    """Yields the URL of the database "rollcall" on a server that is started again when it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    programs = postgresql_programs()
    options: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-", ignore_cleanup_errors=True) as short:
        socket = Path(short)
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            socket.chmod(0o755)
            options = nobody_account(folder, socket)
            programs = reachable(programs, socket, options)
        options |= {"cwd": folder, "env": server_environment()}
        if not (folder / "data" / "PG_VERSION").exists():
            create_cluster(programs, folder, options)
        command = server_command(programs, folder, socket)
        log = folder.with_name("primary.log")
        with supervised(
            command, log, stop=signal.SIGINT, pause=PRIMARY_SECONDS, **options
        ) as server:
            url = f"postgres://postgres@/postgres?host={socket}"
            wait_for_server(url, server.process)
            yield ensure_database(url)


def socket_folder(url: str) -> str:
    [host] = parse_qs(urlsplit(url).query)["host"]
    return host


def restart_primary(folder: Path) -> None:
    """Asks the server for a fast shutdown; it is started again."""
    pid = (folder / "data" / "postmaster.pid").read_text().splitlines()[0]
    os.kill(int(pid), signal.SIGINT)


@contextmanager
def run_replica(primary: str, folder: Path) -> Iterator[tuple[str, Supervised]]:
    """Yields the URL of a new copy of the primary, which follows it."""
    folder.mkdir(parents=True)
    programs = postgresql_programs()
    options: dict[str, Any] = {}
    if os.geteuid() == 0:
        options = nobody_account(folder, folder)
        programs = reachable(programs, folder, options)
    options |= {"cwd": folder, "env": server_environment()}
    copy: list[Any] = [programs / "pg_basebackup", "-D", folder / "data", "-U", "postgres"]
    copy += ["-h", socket_folder(primary), "-R", "-X", "stream", "-c", "fast"]
    subprocess.run(copy, check=True, **options)
    command = server_command(programs, folder, folder)
    command += ["-c", "hot_standby_feedback=on", "-c", "shared_buffers=512MB"]
    url = urlsplit(primary)._replace(query=f"host={folder}").geturl()
    with supervised(command, folder / "log", stop=signal.SIGINT, **options) as server:
        wait_for_server(url, server.process)
        yield url, server


@contextmanager
def run_poolers(primary: str, folder: Path) -> Iterator[tuple[str, list[Supervised]]]:
    """Yields the URL of the database behind two PgBouncers. Raises RuntimeError without any."""
    if PGBOUNCER is None:
        raise RuntimeError(MISSING)
    with psycopg.connect(primary, autocommit=True) as direct:
        for name, value in ROLE_SETTINGS.items():
            direct.execute(f"ALTER DATABASE rollcall SET {name} = {value}".encode())
    port = free_port()
    file = write_configuration(folder, socket_folder(primary), port, size=12, clients=500)
    options = pooler_account() | {"cwd": "/"}
    url = f"{pooler_url(port)}/rollcall"
    with ExitStack() as stack:
        servers = []
        for number in (1, 2):
            log = folder / f"pgbouncer-{number}.log"
            server = stack.enter_context(supervised([PGBOUNCER, file], log, **options))
            servers.append(server)
        probe = lambda: psycopg.connect(url).close()  # noqa: E731
        until(probe, psycopg.OperationalError, servers[0].process, "PgBouncer")
        yield url, servers
