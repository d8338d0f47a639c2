"""Servers that are started again after they end, as systemd does it."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

# Between the end of a server and its next start (RestartSec of deploy/systemd/).
RESTART_SECONDS = 1.0


class Supervised:
    """A server with its descendants, which are one process group."""

    def __init__(self, command: list[Any], log: Path, pause: float, options: dict[str, Any]):
        self.command = [str(word) for word in command]
        self.log = log
        self.pause = pause
        self.options = options
        self.stopping = False
        self.starts = 0
        self.start()
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self.options,
            )
        self.starts += 1

    def watch(self) -> None:
        while True:
            self.process.wait()
            if self.stopping:
                return
            self.kill()  # what is left of the group
            time.sleep(self.pause)
            self.start()

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the first process."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kills all processes of the group."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def stop(self, number: signal.Signals) -> None:
        self.stopping = True
        self.send(number)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
        self.kill()
        self.watcher.join(5)


@contextmanager
def supervised(
    command: list[Any],
    log: Path,
    *,
    stop: signal.Signals = signal.SIGTERM,
    pause: float = RESTART_SECONDS,
    **options: Any,
) -> Iterator[Supervised]:
    """Runs a server until the block ends. `options`: those of subprocess.Popen."""
    server = Supervised(command, log, pause, options)
    try:
        yield server
    finally:
        server.stop(stop)
