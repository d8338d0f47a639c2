"""bin/test: runs pytest once per database, all at once, and says at the end which legs ran.

The whole suite runs each leg in parts, with databases and servers of their own: tests that commit
wait for processes and browsers much of the time, and the others leave no processor idle.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests import servers
from tests.plugins.parts import PARTS

LEGS = {"sqlite": "SQLite", "postgresql": "PostgreSQL and Redis"}
# What would lead a leg to another database or other settings than its own.
FOREIGN = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PART"}


def main(arguments: list[str]) -> int:
    """The exit code: 0 if each leg passed."""
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(143)
    )  # the servers are stopped on the way out
    names = [name for name in LEGS if f"--{name}" in arguments] or list(LEGS)
    arguments = [
        argument for argument in arguments if argument not in {f"--{name}" for name in LEGS}
    ]
    runs = [(name, part) for name in names for part in ([""] if arguments else PARTS)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rollcall-")))
        legs = [Leg(*run, arguments, folder, stack, aside=run != runs[0]) for run in runs]
        codes = [leg.finish() for leg in legs]
    print("\n" + "\n".join(leg.verdict for leg in legs), flush=True)
    return max(codes)


class Leg:
    def __init__(
        self,
        name: str,
        part: str,
        arguments: list[str],
        folder: Path,
        stack: ExitStack,
        *,
        aside: bool,
    ):
        """Starts it; `part`: one of PARTS, or "" for all. `aside`: what it says goes to a file, and
        is shown when the legs before it have ended.
        """
        self.title = ", ".join([LEGS[name], *([PARTS[part]] if part else [])])
        self.verdict = ""
        self.begin = time.monotonic()
        self.browser = folder / f"{name}-{part}-browser"
        self.output = folder / f"{name}-{part}-output"
        self.aside = stack.enter_context(self.output.open("w")) if aside else None
        self.process: subprocess.Popen | None = None
        inherited = {key: value for key, value in os.environ.items() if key not in FOREIGN}
        try:
            addresses = stack.enter_context(servers.both()) if name == "postgresql" else {}
        except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
            self.verdict = f"{self.title}: did not run. {error}"
            return
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *arguments],
            env=inherited | addresses | {"BROWSER_REPORT": str(self.browser), "PART": part},
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
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
