"""Loads the settings again and again, each time in a fork of one process.

It has imported what the settings import, and forks for each line of its input: a folder, names and
an environment. It answers with the exit code and the output.
"""

import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.processes import ROOT

COPIED = (
    "settings.py",
    "connections.py",
    "email_settings.py",
    "log_config.py",
    "release.py",
    "error_reports.py",
    "organisation.py",
    "ticket_settings.py",
)


class Loader:
    """The process, as a test uses it."""

    def __init__(self, process: subprocess.Popen[str]):
        self.process = process

    def load(
        self, folder: Path, names: tuple[str, ...], environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        assert self.process.stdin
        assert self.process.stdout
        order = [str(folder), names, environment]
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return subprocess.CompletedProcess(order, *json.loads(self.process.stdout.readline()))


@contextmanager
def settings_loader() -> Iterator[Loader]:
    command = [sys.executable, "-m", "tests.site.settings_loader"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:
        yield Loader(process)


def answer_orders() -> None:
    for line in sys.stdin:
        folder, names, environment = json.loads(line)
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            child = os.fork()
            if child == 0:
                os.dup2(output.fileno(), 1)
                os.dup2(errors.fileno(), 2)
                show_settings(folder, names, environment)
            _, status = os.waitpid(child, 0)
            texts = [read_again(output), read_again(errors)]
        print(json.dumps([os.waitstatus_to_exitcode(status), *texts]), flush=True)


def read_again(file: Any) -> str:
    file.seek(0)
    return file.read()


def show_settings(folder: str, names: list[str], environment: dict[str, str]) -> None:
    """Prints the settings, and ends the process."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path.insert(0, folder)
    try:
        import settings

        found = {name: getattr(settings, name) for name in names}
        print(json.dumps(found, default=str), flush=True)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    for name in ("django.core.validators", "environ", "psycopg", "pythonjsonlogger.json", "redis"):
        import_module(name)  # as the settings do
    answer_orders()
