"""Rollcall behind PgBouncer in transaction mode, without prepared statements and with fewer
connections to the server than Rollcall has to it.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from tests import servers
from tests.processes import ROOT

pytestmark = pytest.mark.postgresql
CONFIG = """
[databases]
* = host={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
server_reset_query =
"""
AT_ONCE = "test_two_that_contradict_each_other_both_end_and_are_both_told_of"
# Plans with settings of a transaction, two bulk jobs with workers of their own, and pages.
FILES = [
    "tests/directory/query/test_key_sample.py",
    f"tests/bulk/test_at_once.py::{AT_ONCE}",
    "tests/directory/test_index.py",
    "tests/account/test_tabs.py",
]


@pytest.fixture
def pooler(tmp_path) -> Iterator[str]:
    """Yields the URL of a database behind PgBouncer."""
    # Debian installs it where accounts without privileges do not look.
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if program is None:
        # With CI=true a skip is a failure (tests/plugins/summary.py).
        pytest.skip("needs pgbouncer: apt-get install pgbouncer")
    port = servers.free_port()
    [server] = parse_qs(urlsplit(os.environ["DATABASE_URL"]).query)["host"]
    file = Path(server) / f"pgbouncer-{port}.ini"
    file.write_text(CONFIG.format(server=server, port=port))
    account: dict = {}
    if os.geteuid() == 0:  # PgBouncer refuses to run as root
        nobody = pwd.getpwnam("nobody")
        account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    command = [program, file]
    options = account | {"cwd": server, "stderr": subprocess.DEVNULL}
    with servers.running(command, stop=signal.SIGINT, **options) as process:
        url = f"postgres://postgres@127.0.0.1:{port}/pooled"
        admin = url.replace("/pooled", "/postgres")
        probe = lambda: psycopg.connect(admin).close()  # noqa: E731
        servers.until(probe, psycopg.OperationalError, process, "PgBouncer")
        yield url


def test_plans_jobs_and_pages_pass_through_a_pool_of_two_connections(pooler):
    environment = os.environ | {
        "DATABASE_URL": pooler,
        "POOLED": "1",
        "PYTEST_XDIST_WORKER": "",
    }
    # The database is left: connections of the pool keep it from being dropped.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    result = subprocess.run(
        [*command, "--reuse-db", *FILES],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-4000:]
