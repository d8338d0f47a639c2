"""Starts the processes of the site as in production, and stops all that they leave behind."""

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

from tests.forks import Fork, Origin

ROOT = Path(__file__).parents[1]
# Variables of the test process that others do not inherit.
OWN = {"DJANGO_SETTINGS_MODULE", "DJANGO_ALLOW_ASYNC_UNSAFE"}
# Contains `python` and `gunicorn` of a Procfile line.
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

# The processes that running_fork forks, by their command.
ORIGINS: dict[tuple[str, ...], Origin] = {}


def environment(**changes: str) -> dict[str, str]:
    """Returns the environment of a process with the site's settings on the database of the test."""
    inherited = {name: value for name, value in os.environ.items() if name not in OWN}
    return inherited | {"PATH": PATH, "DATABASE_URL": database_url(), "LOG_LEVEL": "INFO"} | changes


def database_url() -> str:
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


class Running:
    """A process with its descendants and its output so far."""

    def __init__(self, process: subprocess.Popen | Fork, output: Path):
        self.process = process
        self.output = output
        self.known: set[psutil.Process] = set()

    def said(self) -> str:
        return self.output.read_text()

    def tree(self) -> list[psutil.Process]:
        """Returns the process and its descendants, including those whose parent has ended since
        the last call.
        """
        if self.process.poll() is None:
            root = psutil.Process(self.process.pid)
            self.known |= {root, *root.children(recursive=True)}
        return [process for process in self.known if alive(process)]

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 40) -> int:
        """Stops the process. Returns its exit code, or raises subprocess.TimeoutExpired."""
        self.tree()
        self.process.send_signal(number)
        return self.process.wait(seconds)


def alive(process: psutil.Process) -> bool:
    try:
        # A container may have no process that reaps orphans.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def running(command: list[Any] | str, folder: Path, **changes: str) -> Iterator[Running]:
    """Runs `command` (a list, or a line for the shell) at the top of the checkout, and kills it and
    its descendants at the end of the block.
    """
    output = output_file(folder)
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
    with killed_at_end(Running(process, output)) as started:
        yield started


@contextmanager
def running_fork(command: list[str], folder: Path, **changes: str) -> Iterator[Running]:
    """Runs a fork of `command`, which calls forks.take_orders, as `running` runs a process."""
    variables = environment(**changes)
    origin = ORIGINS.get(tuple(command))
    if origin is None or not origin.serves(variables):
        origin = ORIGINS[tuple(command)] = Origin(command, ROOT, variables)
    output = output_file(folder)
    with killed_at_end(Running(origin.fork(str(output), variables), output)) as started:
        yield started


def output_file(folder: Path) -> Path:
    file = folder / f"output-{time.monotonic_ns()}"
    file.touch()
    return file


@contextmanager
def killed_at_end(started: Running) -> Iterator[Running]:
    try:
        yield started
    finally:
        for left in started.tree():
            with suppress(ProcessLookupError):
                # The whole group, since one of the processes may be forking at this moment.
                os.killpg(os.getpgid(left.pid), signal.SIGKILL)
        started.process.wait()
        sys.stdout.write(started.said())  # pytest shows it if the test fails


def until(condition: Callable[[], Any], seconds: float = 120) -> Any:
    """Waits until `condition` is true, and returns its result. Raises AssertionError if it stays
    false.
    """
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.05)
    return result
