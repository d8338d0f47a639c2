"""Starts processes as forks of one that has loaded Django, because loading it takes a second.

The one process calls take_orders when it has loaded everything. That returns in each fork, which
then begins its work.
"""

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Variables that a process reads only when it begins its work.
LATE = {"SLOW", "STOPS", "LEASE", "LONG_SLICE", "PYTEST_CURRENT_TEST"}


class Fork:
    """Does for a fork what subprocess.Popen does for a child."""

    def __init__(self, ask: Callable[[dict[str, Any]], Any], pid: int):
        self.ask = ask
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self.ask({"poll": self.pid})
        return self.returncode

    def wait(self, timeout: float = 600) -> int:
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"fork {self.pid}", timeout)
            time.sleep(0.02)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


class Origin:
    """A process that forks for the test process, and ends with it: its input is a pipe."""

    def __init__(self, command: list[str], folder: Path, variables: dict[str, str]):
        self.variables = early_variables(variables)
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ask(self, order: dict[str, Any]) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def fork(self, output: str, variables: dict[str, str]) -> Fork:
        """Starts a process whose output goes to a file."""
        pid = self.ask({"output": output, "variables": variables})
        return Fork(self.ask, pid)

    def close(self) -> None:
        """Ends the process, and no fork."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()

    def serves(self, variables: dict[str, str]) -> bool:
        """Returns whether it has loaded everything in the same environment."""
        return self.process.poll() is None and self.variables == early_variables(variables)


def early_variables(variables: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name not in LATE}


def take_orders() -> None:
    """Returns in each fork. Ends the process itself at the end of its input."""
    # Garbage collection in a fork, above all at its end, would write to each page of memory that it
    # shares, and so copy it: two thirds of the time of a short process.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        if "poll" in order:
            answer = exit_code(order["poll"])
        elif (answer := os.fork()) == 0:
            begin_fork(order["output"], order["variables"])
            return
        print(json.dumps(answer), flush=True)
    sys.exit()


def exit_code(pid: int) -> int | None:
    """Returns the exit code as subprocess has it, or None while the process runs."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def begin_fork(output: str, variables: dict[str, str]) -> None:
    """Gives the process a session, an environment and files of its own."""
    os.setsid()
    os.environ.clear()
    os.environ.update(variables)
    nothing = os.open(os.devnull, os.O_RDONLY)
    file = os.open(output, os.O_WRONLY | os.O_APPEND)
    for number, source in enumerate((nothing, file, file)):
        os.dup2(source, number)
