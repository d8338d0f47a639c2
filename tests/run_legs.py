"""bin/test: runs pytest for both databases at the same time, and prints a summary at the end.

A leg is the run on one database. For the whole suite it has several processes with databases of
their own, among which pytest-xdist distributes the test files.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

import psutil

from tests import servers

LEGS = {"sqlite": "SQLite", "postgresql": "PostgreSQL and Redis"}
# Both legs together have more workers than two processors, because some tests wait for processes
# and browsers. tests.plugins.order sorts the files.
WORKERS = ["gw0", "gw1"]
SHARED = [f"--numprocesses={len(WORKERS)}", "--dist=loadfile", "--no-loadscope-reorder"]
# The PostgreSQL leg often waits, for servers and for killed processes. It has the higher priority,
# and the SQLite leg uses the pauses: the two legs then end at about the same time.
NICENESS = {"sqlite": 2, "postgresql": 0}
# Variables that a leg does not inherit, because it has its own database and settings.
FOREIGN = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")


def main(arguments: list[str]) -> int:
    """Returns the exit code, which is 0 if every leg passed."""
    signal.signal(signal.SIGTERM, stop_servers)
    switches = {f"--{name}": name for name in LEGS}
    names = [name for switch, name in switches.items() if switch in arguments] or list(LEGS)
    arguments = [argument for argument in arguments if argument not in switches]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rollcall-")))
        legs = [Leg(name, arguments, folder, stack, aside=name != names[0]) for name in names]
        codes = [leg.finish() for leg in legs]
    print("\n" + "\n".join(leg.verdict for leg in legs), flush=True)
    return max(codes)


def stop_servers(signal_number: int, frame: FrameType | None) -> NoReturn:
    """Raises SystemExit, so that every `with` block stops its server."""
    sys.exit(128 + signal_number)


class Leg:
    """A run of pytest on one database."""

    def __init__(
        self, name: str, arguments: list[str], folder: Path, stack: ExitStack, *, aside: bool
    ):
        """Starts pytest, with several workers if there are no arguments.

        `aside`: the output goes to a file and is printed after the legs before this one.
        """
        self.title = LEGS[name]
        self.verdict = ""
        self.begin = time.monotonic()
        self.browser = folder / f"{name}-browser"
        self.output = folder / f"{name}-output"
        self.aside = stack.enter_context(self.output.open("w")) if aside else None
        self.process: subprocess.Popen | None = None
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
        try:
            addresses = {}
            if name == "postgresql":
                addresses = stack.enter_context(servers.both([] if arguments else WORKERS))
        except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
            self.verdict = f"{self.title}: did not run. {error}"
            return
        prefix = [] if arguments else ["nice", "-n", str(NICENESS[name])]
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "pytest", *(arguments or SHARED)],
            env=inherited | addresses | {"BROWSER_REPORT": str(self.browser)},
            stdout=self.aside,
            stderr=self.aside,
        )
        stack.callback(self.stop)

    def finish(self) -> int:
        """Waits for pytest. Returns its exit code, or 1 if it could not be started."""
        print(f"\n=== {self.title} ===", flush=True)
        if self.process is None:
            return 1
        code = self.wait(self.process)
        if self.aside:
            with self.output.open() as file:
                shutil.copyfileobj(file, sys.stdout)
        how = "passed" if code == 0 else f"FAILED (exit code {code})"
        browser = self.browser.read_text() if self.browser.exists() else ""
        self.verdict = f"{self.title}: {how} in {time.monotonic() - self.begin:.0f} s. {browser}"
        return code

    def wait(self, process: subprocess.Popen) -> int:
        try:
            return process.wait()
        except KeyboardInterrupt:  # pytest also received the Ctrl-C, and prints its summary
            return process.wait()

    def stop(self) -> None:
        """Interrupts pytest and its workers, so that fixtures stop their processes."""
        if self.process and self.process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                for worker in psutil.Process(self.process.pid).children():
                    worker.terminate()
            self.process.terminate()
            self.process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
