"""Rollcall behind PgBouncer in transaction mode, without prepared statements and with fewer
connections to the server than Rollcall has to it.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from tests import servers
from tests.builders import make_superuser
from tests.database.outage import collect_static, signed_in, web_process
from tests.pooler import MISSING, PGBOUNCER, pooler_account, pooler_url, write_configuration
from tests.processes import ROOT, database_url
from tests.proxies import Proxy

pytestmark = [pytest.mark.postgresql, pytest.mark.long]
# Each statement outside of a transaction goes to the other connection.
ROUND_ROBIN = "server_round_robin = 1\n"
AT_ONCE = "test_two_that_contradict_each_other_both_end_and_are_both_told_of"
# Pages, plans with settings of a transaction, and two bulk jobs with workers of their own.
FILES = [
    "tests/database/pooled_crawl.py",
    "tests/directory/query/test_key_sample.py",
    f"tests/bulk/test_at_once.py::{AT_ONCE}",
    "tests/directory/test_index.py",
]


@pytest.fixture
def pooler() -> Iterator[str]:
    """Yields the URL of a database behind PgBouncer."""
    [server] = parse_qs(urlsplit(os.environ["DATABASE_URL"]).query)["host"]
    with run_pooler(server, Path(server)) as url:
        yield f"{url}/pooled"


@contextmanager
def run_pooler(server: str, folder: Path) -> Iterator[str]:
    """Yields the URL of PgBouncer before the server whose socket is in `server`."""
    if PGBOUNCER is None:
        # With CI=true a skip is a failure (tests/plugins/summary.py).
        pytest.skip(MISSING)
    port = servers.free_port()
    file = write_configuration(folder, server, port, size=2, clients=100)
    file.write_text(file.read_text() + ROUND_ROBIN)
    options = pooler_account() | {"cwd": folder, "stderr": subprocess.DEVNULL}
    with servers.running([PGBOUNCER, file], stop=signal.SIGINT, **options) as process:
        url = pooler_url(port)
        probe = lambda: psycopg.connect(f"{url}/postgres").close()  # noqa: E731
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


@pytest.mark.django_db(transaction=True)
def test_the_first_request_comes_when_the_server_behind_the_pooler_is_back(tmp_path):
    [server] = parse_qs(urlsplit(os.environ["DATABASE_URL"]).query)["host"]
    name = ".s.PGSQL.5432"
    root = make_superuser()
    collect_static(tmp_path)
    with tempfile.TemporaryDirectory(prefix="rollcall-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        proxy = Proxy(f"{server}/{name}", f"{place}/{name}")
        (folder / name).chmod(0o777)
        with run_pooler(place, folder) as url:
            changes = {"DATABASE_URL": f"{url}{urlsplit(database_url()).path}", "POOLED": "1"}
            changes |= {"DEBUG": "0", "VAR_DIR": str(tmp_path), "STATEMENT_TIMEOUT_MS": "2000"}
            with web_process(tmp_path, threads=2, **changes) as (_, port):
                visitor = signed_in(port, root)
                assert visitor.ask("/users/")[0].status == 200
                with proxy.state("down", 0):
                    response, page = visitor.ask("/users/")
                    assert (response.status, response.headers["Retry-After"]) == (503, "10")
                    assert "The database is not available" in page
                (folder / name).chmod(0o777)
                assert [visitor.ask("/users/")[0].status for _ in range(4)] == [200] * 4
