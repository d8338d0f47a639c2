"""A PostgreSQL server set up as one in production would be, in a folder that is kept for the next
run.
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
def postgresql(folder: Path) -> Iterator[str]:
    """The URL of the database "rollcall" in `folder`, which is made if it is not there. Raises
    RuntimeError or OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    programs = postgresql_programs()
    account: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-", ignore_cleanup_errors=True) as short:
        socket = Path(short)  # its path may have 107 bytes at most
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            account = unprivileged(folder, socket)
            programs = reachable(programs, socket, account)
        environment = os.environ | {
            "LC_ALL": "C.UTF-8" if platform.system() == "Linux" else "en_US.UTF-8",
            "PGOPTIONS": "",
        }
        if not (folder / "data" / "PG_VERSION").exists():
            initdb = [
                programs / "initdb",
                "-D",
                folder / "data",
                "-A",
                "trust",
                "-U",
                "postgres",
                "-E",
                "UTF8",
            ]
            subprocess.run(
                [str(word) for word in initdb],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                check=True,
                **account,
            )
        options = [word for name, value in PRODUCTION.items() for word in ("-c", f"{name}={value}")]
        command = [programs / "postgres", "-D", folder / "data", "-k", socket, *options]
        with running(
            command, stop=signal.SIGINT, cwd=folder, env=environment, **account
        ) as process:
            url = f"postgres://postgres@/postgres?host={socket}"
            until(
                lambda: psycopg.connect(url).close(),
                psycopg.OperationalError,
                process,
                "PostgreSQL",
                seconds=120,
            )
            yield prepared(url)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("CHECKPOINT")  # now, so that stopping takes no time


def prepared(url: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        if not connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = 'rollcall'"
        ).fetchone():
            connection.execute("CREATE DATABASE rollcall")
    return url.replace("/postgres?", "/rollcall?")


def unprivileged(folder: Path, socket: Path) -> dict[str, Any]:
    """The account that the server runs under when we are root; both folders become its own."""
    nobody = pwd.getpwnam("nobody")
    account: dict[str, Any] = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    for each in (folder, socket):
        os.chown(each, nobody.pw_uid, nobody.pw_gid)
    if subprocess.run(["test", "-w", str(folder)], cwd="/", check=False, **account).returncode:
        raise RuntimeError(
            f"the account “nobody” may not enter {folder}. Choose another folder with --keep."
        )
    return account
