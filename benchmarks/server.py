"""Runs a PostgreSQL server with the settings of a production server.

Its data stays in a folder for the next run.
"""

import os
import platform
import pwd
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.servers import postgresql_programs, reachable, running, until

MEGABYTE = 1024 * 1024
MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
PRODUCTION = {
    "shared_buffers": f"{min(3072, MEMORY // 4 // MEGABYTE)}MB",
    "work_mem": "16MB",
    "maintenance_work_mem": f"{min(1024, MEMORY // 12 // MEGABYTE)}MB",
    "random_page_cost": "1.1",
    "max_wal_size": "8GB",
    "max_connections": "100",
    "listen_addresses": "",
    "log_min_messages": "panic",
}


@contextmanager
def run_postgresql(folder: Path) -> Iterator[str]:
    """Yields the URL of the database "rollcall" in `folder`, which is created if necessary.

    Raises RuntimeError or OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    programs = postgresql_programs()
    options: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-", ignore_cleanup_errors=True) as short:
        # The path of a socket may have at most 107 bytes.
        socket = Path(short)
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            options = nobody_account(folder, socket)
            programs = reachable(programs, socket, options)
        options |= {"cwd": folder, "env": server_environment()}
        if not (folder / "data" / "PG_VERSION").exists():
            create_cluster(programs, folder, options)
        command = server_command(programs, folder, socket)
        with running(command, stop=signal.SIGINT, **options) as process:
            url = f"postgres://postgres@/postgres?host={socket}"
            wait_for_server(url, process)
            yield ensure_database(url)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("CHECKPOINT")  # so that the server stops at once


def server_environment() -> dict[str, str]:
    locale = "C.UTF-8" if platform.system() == "Linux" else "en_US.UTF-8"
    return os.environ | {"LC_ALL": locale, "PGOPTIONS": ""}


def create_cluster(programs: Path, folder: Path, options: dict[str, Any]) -> None:
    command = [str(programs / "initdb"), "-D", str(folder / "data")]
    command += ["-A", "trust", "-U", "postgres", "-E", "UTF8"]
    subprocess.run(command, stdout=subprocess.PIPE, check=True, **options)


def server_command(programs: Path, folder: Path, socket: Path) -> list[Any]:
    command: list[Any] = [programs / "postgres", "-D", folder / "data", "-k", socket]
    for name, value in PRODUCTION.items():
        command += ["-c", f"{name}={value}"]
    return command


def wait_for_server(url: str, process: subprocess.Popen) -> None:
    until(
        lambda: psycopg.connect(url).close(),
        psycopg.OperationalError,
        process,
        "PostgreSQL",
        seconds=120,
    )


def ensure_database(url: str) -> str:
    """Creates the database "rollcall" if necessary. Returns its URL."""
    query = "SELECT 1 FROM pg_database WHERE datname = 'rollcall'"
    with psycopg.connect(url, autocommit=True) as connection:
        if not connection.execute(query).fetchone():
            connection.execute("CREATE DATABASE rollcall")
    return url.replace("/postgres?", "/rollcall?")


def nobody_account(folder: Path, socket: Path) -> dict[str, Any]:
    """Makes the account “nobody” the owner of both folders. Returns the options of a process that
    runs under that account. Raises RuntimeError if the account may not enter `folder`.
    """
    nobody = pwd.getpwnam("nobody")
    account: dict[str, Any] = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    for path in (folder, socket):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    if subprocess.run(["test", "-w", str(folder)], cwd="/", check=False, **account).returncode:
        raise RuntimeError(
            f"the account “nobody” may not enter {folder}. Choose another folder with --keep."
        )
    return account
