"""An SMTP server in a process of its own, which counts and records what it accepts.

`python -m benchmarks.mail_server PORT DELAY` accepts each text after DELAY seconds. Each line on
its standard input is answered by what it has accepted since the last one, as JSON.
"""

import asyncio
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiosmtpd.controller import Controller

HOST = "127.0.0.1"
MESSAGE_ID = re.compile(rb"^Message-ID: <([^>@]+)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Accepted:
    """What the server has accepted: Message-IDs, and the seconds from the first to the last."""

    ids: list[str]
    seconds: float

    @property
    def rate(self) -> float:
        """Emails in a second."""
        return len(self.ids) / self.seconds if self.seconds else 0


class Recorder:
    """The handler of aiosmtpd."""

    def __init__(self, delay: float):
        self.delay = delay
        self.ids: list[str] = []
        self.times: list[float] = []

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, host: str, lines: list[str]
    ) -> list[str]:
        """Offers pipelining, as most mail servers do. aiosmtpd can do it and does not say so."""
        session.host_name = host
        return [*lines[:-1], "250-PIPELINING", lines[-1]]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.delay:
            await asyncio.sleep(self.delay)
        found = MESSAGE_ID.search(envelope.content)
        self.ids.append(found[1].decode() if found else "")
        self.times.append(time.monotonic())
        return "250 OK"

    def report(self) -> str:
        ids, times = self.ids, self.times
        self.ids, self.times = [], []
        return json.dumps({"ids": ids, "seconds": times[-1] - times[0] if times else 0})


class MailServer:
    """The server as its user sees it."""

    def __init__(self, process: subprocess.Popen, port: int):
        self.process = process
        self.port = port

    @property
    def url(self) -> str:
        return f"smtp://{HOST}:{self.port}"

    def accepted(self) -> Accepted:
        """Returns what it has accepted since the last call."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("report\n")
        self.process.stdin.flush()
        return Accepted(**json.loads(self.process.stdout.readline()))


@contextmanager
def run_mail_server(delay: float = 0) -> Iterator[MailServer]:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.mail_server", str(port), str(delay)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout
        process.stdout.readline()  # it listens
        try:
            yield MailServer(process, port)
        finally:
            process.terminate()


def main(port: str, delay: str) -> None:
    recorder = Recorder(float(delay))
    Controller(recorder, hostname=HOST, port=int(port), ready_timeout=60).start()
    print("listens", flush=True)
    for _ in sys.stdin:
        print(recorder.report(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
