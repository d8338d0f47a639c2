"""bin/test: runs pytest once per database, all at once, and says at the end which legs ran.

The whole suite runs each leg in several processes, which pytest-xdist gives one file of tests after
the other. Each has databases of its own.
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

import psutil

from tests import servers

LEGS = {"sqlite": "SQLite", "postgresql": "PostgreSQL and Redis"}
# More than a leg has processors: tests that commit wait for processes and browsers much of the
# time. The order of the files is that of tests.plugins.order.
WORKERS = ["gw0", "gw1", "gw2"]
SHARED = [f"--numprocesses={len(WORKERS)}", "--dist=loadfile", "--no-loadscope-reorder"]
# What would lead a leg to another database or other settings than its own.
FOREIGN = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")


def main(arguments: list[str]) -> int:
    """The exit code: 0 if each leg passed."""
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(143)
    )  # the servers are stopped on the way out
    names = [name for name in LEGS if f"--{name}" in arguments] or list(LEGS)
    arguments = [
        argument for argument in arguments if argument not in {f"--{name}" for name in LEGS}
    ]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rollcall-")))
        legs = [Leg(name, arguments, folder, stack, aside=name != names[0]) for name in names]
        codes = [leg.finish() for leg in legs]
    print("\n" + "\n".join(leg.verdict for leg in legs), flush=True)
    return max(codes)


class Leg:
    def __init__(
        self, name: str, arguments: list[str], folder: Path, stack: ExitStack, *, aside: bool
    ):
        """Starts it, in several processes if there are no arguments. `aside`: its output goes to a
        file, and is shown when the legs before it have ended.
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
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *(arguments or SHARED)],
            env=inherited | addresses | {"BROWSER_REPORT": str(self.browser)},
            stdout=self.aside,
            stderr=self.aside,
        )
        stack.callback(self.stop)

    def finish(self) -> int:
        """The exit code of pytest; 1 if it could not be started."""
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
        except KeyboardInterrupt:  # pytest has had the same Ctrl-C and sums up
            return process.wait()

    def stop(self) -> None:
        """Interrupts pytest and its workers, so that the fixtures end what they have started."""
        if self.process and self.process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                for worker in psutil.Process(self.process.pid).children():
                    worker.terminate()
            self.process.terminate()
            self.process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
