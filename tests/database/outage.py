"""The database server of this leg as it fails: it ends its connections, or hangs. And a web process
that serves meanwhile.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
from django.db import connection
from django.test import Client

from tests.processes import ROOT, Running, database_url, environment, running, until
from tests.servers import free_port
from tests.settings import TEST_DIR
from tests.site.test_procfile import PROCFILE
from tests.visitor import Visitor

END_ALL = (
    "SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity "
    "WHERE datname = %s AND pid <> pg_backend_pid()"
)


def end_connections() -> int:
    """Ends every connection to the test's database, as a restart or a failover does; how many they
    were. Returns once their processes are gone.
    """
    name = connection.settings_dict["NAME"]
    connection.close()
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as elsewhere:
        return elsewhere.execute(END_ALL, [name]).fetchone()[0]


def other_connections() -> int:
    """Returns how many connections others than this process have to the test's database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return cursor.fetchone()[0]


def is_still(process: psutil.Process) -> bool:
    """Suspended; or at its end, which a suspended parent does not note."""
    try:
        return process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@contextmanager
def frozen_server() -> Iterator[None]:
    """The server's host hangs: all its processes are suspended, and their sockets stay open."""
    connection.close()
    with psycopg.connect(os.environ["DATABASE_URL"]) as direct:
        server = psutil.Process(direct.info.backend_pid).parent()
    assert server is not None
    # First the one that starts others. One that ends meanwhile stays its zombie.
    server.suspend()
    processes = [server, *server.children(recursive=True)]
    try:
        for process in processes[1:]:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        until(lambda: all(is_still(process) for process in processes))
        yield
    finally:
        # The one that collects the others' ends comes last.
        for process in reversed(processes):
            with suppress(psutil.NoSuchProcess):
                process.resume()


def collect_static(folder: Path) -> None:
    """Puts what a web process without DEBUG needs into its VAR_DIR. It is collected once."""
    collected = TEST_DIR / "collected"
    if not collected.exists():
        subprocess.run(
            [sys.executable, "manage.py", "collectstatic", "--no-input"],
            cwd=ROOT,
            env=environment(VAR_DIR=str(collected)),
            stdout=subprocess.DEVNULL,
            check=True,
        )
    shutil.copytree(collected / "static", folder / "static", dirs_exist_ok=True)


@contextmanager
def web_process(folder: Path, *, threads: int, **changes: str) -> Iterator[tuple[Running, str]]:
    """One web process of the Procfile, with so many threads, and its port."""
    port = str(free_port())
    here = {
        "HOST": "127.0.0.1",
        "PORT": port,
        "WEB_CONCURRENCY": "1",
        "GUNICORN_CMD_ARGS": f"--threads={threads}",
        "DEBUG": "1",
        "DATABASE_URL": database_url(),
    }
    with running(f"exec {PROCFILE['web']}", folder, **here | changes) as web:
        until(lambda: web.process.poll() is not None or Visitor(port, "localhost").answers())
        yield web, port


def signed_in(port: str, account: Any) -> Visitor:
    """A visitor with a session of `account`."""
    client = Client()
    client.force_login(account)
    visitor = Visitor(port, "localhost")
    visitor.cookies["session"] = client.cookies["session"].value
    return visitor


def token(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found
    return found[1]
