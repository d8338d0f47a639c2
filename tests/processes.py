"""The site's processes as they run in production: started, watched, and seen to leave nothing
behind.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from django.db import connection

ROOT = Path(__file__).parents[1]
# Where `python` and `gunicorn` of a Procfile line are.
# Variables of the tests' own process: its settings, and what the browser's event loop needs.
OWN = {"DJANGO_SETTINGS_MODULE", "DJANGO_ALLOW_ASYNC_UNSAFE"}
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def environment(**changes: str) -> dict[str, str]:
    """The suite's environment with the site's own settings, on the database that the test uses."""
    inherited = {name: value for name, value in os.environ.items() if name not in OWN}
    return inherited | {"PATH": PATH, "DATABASE_URL": database_url(), "LOG_LEVEL": "INFO"} | changes


def database_url() -> str:
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


class Running:
    """A process with all its descendants, and what it has said so far."""

    def __init__(self, process: subprocess.Popen, output: Path):
        self.process = process
        self.output = output
        self.known: set[psutil.Process] = set()

    def said(self) -> str:
        return self.output.read_text()

    def tree(self) -> list[psutil.Process]:
        """The process and its descendants. Those that were seen once are remembered when their
        parent is gone.
        """
        if self.process.poll() is None:
            root = psutil.Process(self.process.pid)
            self.known |= {root, *root.children(recursive=True)}
        return [process for process in self.known if alive(process)]

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 40) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired."""
        self.tree()
        self.process.send_signal(number)
        return self.process.wait(seconds)


def alive(process: psutil.Process) -> bool:
    try:
        return (
            process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        )  # in a container nobody may reap orphans
    except psutil.NoSuchProcess:
        return False


@contextmanager
def running(command: list[Any] | str, folder: Path, **changes: str) -> Iterator[Running]:
    """`command` (a list, or a line for the shell) from the top of the checkout; killed with all it
    started if it still runs.
    """
    output = folder / f"output-{time.monotonic_ns()}"
    with output.open("w") as file:
        process = subprocess.Popen(
            command,
            shell=isinstance(command, str),
            cwd=ROOT,
            env=environment(**changes),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = Running(process, output)
    try:
        yield started
    finally:
        for left in started.tree():
            with suppress(ProcessLookupError):
                os.killpg(
                    os.getpgid(left.pid), signal.SIGKILL
                )  # by group: one of them may be forking just now
        process.wait()
        sys.stdout.write(started.said())  # pytest shows it where the test has failed


def until(condition: Callable[[], Any], seconds: float = 120) -> Any:
    """What `condition` returns once it is true. Raises AssertionError when it has not become so."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.05)
    return result
