"""bin/run: from a checkout to a sign-in, and back to nothing."""

import re
import signal
import socket
import sqlite3
import stat
import sys
from pathlib import Path

import pytest

from tests.databases import make_earlier_database
from tests.processes import ROOT, running, until
from tests.servers import free_port
from tests.visitor import Visitor

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
LOOK = """
import os, psycopg, redis
psycopg.connect(os.environ["DATABASE_URL"]).close()
print(redis.Redis.from_url(os.environ["REDIS_URL"]).ping(), os.environ["VAR_DIR"], flush=True)
raise SystemExit(3)
"""


@pytest.fixture
def laptop(tmp_path) -> dict[str, str]:
    """An environment in which nothing was started yet."""
    var = tmp_path / "var"
    return {
        "PORT": str(free_port()),
        "VAR_DIR": str(var),
        "DATABASE_URL": f"sqlite:///{var}/rollcall.sqlite3",
    }


@pytest.mark.long
def test_the_first_start_fills_a_directory_and_the_second_keeps_it(laptop, tmp_path):
    visitor = Visitor(laptop["PORT"], f"localhost:{laptop['PORT']}")
    with running([ROOT / "bin" / "run"], tmp_path, **laptop) as run:
        serves(run, visitor)
        password = re.search(r"Password: +(\S+), saved in (\S+)", run.said())
        assert password
        assert visitor.sign_in("admin", password[1])[0].headers["Location"] == "/users/"
        assert "10,000" in visitor.ask("/users/")[1]
        leaves_nothing(run, signal.SIGINT)
    noted = tmp_path / "var" / "first-sign-in.txt"
    assert password[2] == str(noted)
    assert noted.read_text() == f"admin {password[1]}\n"
    assert stat.S_IMODE(noted.stat().st_mode) == 0o600
    with running([ROOT / "bin" / "run"], tmp_path, **laptop) as run:
        serves(run, visitor)
        assert password[1] not in run.said()
        assert f"saved in {noted}" in run.said()
        assert visitor.ask("/users/")[0].status == 200  # the session is still there
        leaves_nothing(run, signal.SIGTERM)


def test_a_command_runs_on_servers_from_wheels_which_end_with_it(tmp_path):
    """`bin/run --postgres` runs itself in this way."""
    command = [sys.executable, "-m", "tests.servers", sys.executable, "-c", LOOK]
    with running(command, tmp_path) as run:
        assert run.process.wait(120) == 3
        folder = run.said().split()[-1]
        assert "True" in run.said()
        until(lambda: not run.tree())
    assert not Path(folder).exists()


def serves(run, visitor: Visitor) -> None:
    until(lambda: run.process.poll() is not None or visitor.answers(), 180)
    assert run.process.poll() is None, run.said()
    until(lambda: '"workers": "ok"' in visitor.ask("/readyz")[1])


def leaves_nothing(run, number: signal.Signals) -> None:
    run.stop(number)
    until(lambda: not run.tree())


def test_a_taken_port_is_named(laptop, tmp_path):
    with (
        socket.create_server(("127.0.0.1", int(laptop["PORT"]))),
        running([ROOT / "bin" / "run"], tmp_path, **laptop) as run,
    ):
        assert run.process.wait(180) == 1
    assert f"Port {laptop['PORT']} on 127.0.0.1 is used" in run.said()
    assert "Traceback" not in run.said()


def test_a_demo_of_an_earlier_version_is_refused_and_left_as_it_is(laptop, tmp_path):
    var = tmp_path / "var"
    var.mkdir()
    make_earlier_database(laptop["DATABASE_URL"])
    with sqlite3.connect(var / "rollcall.sqlite3") as database:
        database.execute("PRAGMA journal_mode=WAL")
    database.close()
    (var / "first-sign-in.txt").write_text("admin secret\n")
    before = {file.name: file.read_bytes() for file in var.iterdir()}
    with running([ROOT / "bin" / "run"], tmp_path, **laptop) as run:
        assert run.process.wait(180) == 1
    assert run.said().splitlines()[-1] == (
        "This demo database was made by an earlier version and must be recreated. "
        f"Remove its folder and start bin/run again: rm -r {var} && bin/run"
    )
    assert "Traceback" not in run.said()
    assert "Preparing the database" not in run.said()
    assert {file.name: file.read_bytes() for file in var.iterdir()} == before


def test_a_port_that_is_no_number_is_refused(laptop, tmp_path):
    with running([ROOT / "bin" / "run"], tmp_path, **laptop | {"PORT": "http"}) as run:
        assert run.process.wait(180) == 1
    assert "PORT is a number; this is “http”." in run.said()


def test_an_unknown_option_is_refused(tmp_path):
    with running([ROOT / "bin" / "run", "--debugg"], tmp_path) as run:
        assert run.process.wait(180) == 1
    assert "The options are --postgres and --debug." in run.said()
