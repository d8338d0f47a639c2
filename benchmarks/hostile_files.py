"""Uploads files that are very large, or larger than they look, to a web process and checks them by
a worker. Prints the statuses, the sentence that the person reads, and the memory of both processes.

    python -m benchmarks.hostile_files [--only TEXT] [--seconds 60]

It starts PostgreSQL with a database of its own, one web process and one worker. The memory is the
peak of a process beyond its peak while an ordinary file was uploaded and checked. A check that
takes longer than --seconds is cancelled then. The exit code is 1 if a response has the status 500,
or if a process needed more than MEMORY_MAX.
"""

import argparse
import http.client
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil

from benchmarks.fill import ROOT, environment, manage
from benchmarks.hostile_content import (
    FILES,
    MEGABYTE,
    HostileFile,
    account_lines,
    write_hostile_file,
)
from benchmarks.server import run_postgresql
from tests.servers import free_port, running, until

ORDINARY = HostileFile("an ordinary file", "people.csv", lambda: account_lines(20_000))
# Megabytes beyond the usual.
MEMORY_MAX = 100
BOUNDARY = "hostile-files-boundary"
HEADINGS = ["file", "sent", "s", "status", "sentence", "web", "worker"]
TIMEOUT = 600
SENTENCE_MAX = 150


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="files whose label contains this text")
    parser.add_argument("--seconds", type=float, default=60, help="time limit of one check")
    options = parser.parse_args()
    chosen = [file for file in FILES if options.only in file.label]
    with tempfile.TemporaryDirectory(prefix="rollcall-hostile-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another user
        with run_postgresql(folder / "postgresql") as url:
            set_up(url, folder)
            with run_site(folder) as site:
                results = [site.attack(file, options.seconds) for file in [ORDINARY, *chosen]]
    from benchmarks.report import markdown_table

    rows = [result.cells() for result in results]
    print(markdown_table(HEADINGS, rows))
    return int(any(result.is_bad() for result in results))


def set_up(url: str, folder: Path) -> None:
    """Sets Django up in this process, on an empty database."""
    os.environ.update(environment(url, folder / "var"))
    manage("release", "--verbosity=0")
    manage("collectstatic", "--no-input", "--verbosity=0")
    sys.path.insert(0, str(ROOT / "site"))
    import django

    django.setup()


@contextmanager
def run_site(folder: Path) -> Iterator["Site"]:
    """Runs a web process and a worker."""
    from benchmarks.peers import CSRF, ROLLCALL, superuser_session

    port = free_port()
    variables = {"PORT": str(port), "HOST": "127.0.0.1", "WEB_CONCURRENCY": "1"}
    options = {"cwd": ROOT, "env": os.environ | variables}
    web_command = [sys.executable, "-m", "gunicorn", "--config", "site/gunicorn.conf.py", "wsgi"]
    worker_command = [sys.executable, "manage.py", "worker"]
    with (
        superuser_session(ROLLCALL) as key,
        running(web_command, stop=signal.SIGTERM, **options) as web,
        running(worker_command, stop=signal.SIGTERM, **options) as worker,
    ):
        site = Site(folder, port, key, CSRF, {"web": web.pid, "worker": worker.pid})
        until(lambda: site.request("GET", "/healthz"), OSError, web, "gunicorn", seconds=60)
        yield site


@dataclass(frozen=True)
class Attack:
    """The result of one file. `memory`: megabytes of each process beyond the usual."""

    label: str
    size: int
    seconds: float
    statuses: list[int]
    sentence: str
    memory: dict[str, float]

    def cells(self) -> list[str]:
        size = self.size / MEGABYTE
        memory = [f"{max(self.memory[name], 0):.0f} MB" for name in ("web", "worker")]
        statuses = ", ".join(map(str, self.statuses))
        shown = f"{size:,.0f} MB" if size >= 1 else f"{self.size / 1024:,.1f} kB"
        sentence = self.sentence.replace("|", "\\|")
        return [self.label, shown, f"{self.seconds:.1f}", statuses, sentence, *memory]

    def is_bad(self) -> bool:
        return max(self.statuses) >= 500 or max(self.memory.values()) > MEMORY_MAX


class Site:
    """A web process and a worker, with the session of a superuser."""

    def __init__(self, folder: Path, port: int, session: str, csrf: str, pids: dict[str, int]):
        from django.conf import settings

        self.folder = folder
        self.port = port
        self.csrf = csrf
        self.pids = pids
        self.cookies = f"{settings.SESSION_COOKIE_NAME}={session}; "
        self.cookies += f"{settings.CSRF_COOKIE_NAME}={csrf}"
        # The peaks while the first file is uploaded and checked.
        self.usual: dict[str, float] = {}

    def attack(self, file: HostileFile, seconds: float) -> Attack:
        """Uploads a file and checks it."""
        path = write_hostile_file(file, self.folder)
        self.reset_peaks()
        began = time.monotonic()
        statuses, sentence = self.import_file(path, seconds)
        elapsed = time.monotonic() - began
        peaks = {name: peak_memory(pid) for name, pid in self.pids.items()}
        self.usual = self.usual or peaks
        memory = {name: peak - self.usual[name] for name, peak in peaks.items()}
        attack = Attack(file.label, path.stat().st_size, elapsed, statuses, sentence, memory)
        print(*attack.cells(), sep=" | ", file=sys.stderr, flush=True)
        path.unlink()
        return attack

    def import_file(self, path: Path, seconds: float) -> tuple[list[int], str]:
        """Returns the statuses of the pages of one import, and the last sentence."""
        status, location, page = self.upload(path)
        if not location:
            return [status], page_sentence(page)
        shown, _, page = self.request("GET", location)
        statuses = [status, shown]
        sentence = page_sentence(page)
        if not location.endswith("/mapping/"):
            return statuses, sentence
        checked, result, page = self.post(location, page)
        statuses.append(checked)
        if not result:
            return statuses, page_sentence(page)
        note = watch_check(int(result.split("/")[2]), seconds)
        shown, _, page = self.request("GET", result)
        return [*statuses, shown], note or page_sentence(page)

    def post(self, path: str, page: bytes) -> tuple[int, str, bytes]:
        """Sends the form of a mapping with its values."""
        from urllib.parse import urlencode

        from tests.pages import form

        fields = form(SimpleNamespace(content=page), path)
        body = urlencode(fields | {"csrfmiddlewaretoken": self.csrf}, doseq=True)
        kind = "application/x-www-form-urlencoded"
        return self.request("POST", path, body.encode(), {"Content-Type": kind})

    def upload(self, path: Path) -> tuple[int, str, bytes]:
        head = form_part('name="csrfmiddlewaretoken"', self.csrf)
        head += form_part(f'name="file"; filename="{path.name}"', "").removesuffix("\r\n")
        end = f"\r\n--{BOUNDARY}--\r\n"
        size = len(head) + path.stat().st_size + len(end)
        headers = {
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Content-Length": str(size),
        }
        content = file_parts(path, head.encode(), end.encode())
        return self.request("POST", "/imports/", content, headers)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, str, bytes]:
        """Returns the status, the location and the body of a response."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        common = {"Host": "localhost", "Cookie": self.cookies}
        # A server that refuses a large body need not read it to its end.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body, common | (headers or {}))
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, response.headers.get("Location", ""), content

    def reset_peaks(self) -> None:
        for pid in self.pids.values():
            for process in process_tree(pid):
                with suppress(OSError):
                    Path(f"/proc/{process}/clear_refs").write_text("5")


def form_part(name: str, value: str) -> str:
    return f"--{BOUNDARY}\r\nContent-Disposition: form-data; {name}\r\n\r\n{value}\r\n"


def file_parts(path: Path, head: bytes, end: bytes) -> Iterator[bytes]:
    """Yields the body of an upload."""
    yield head
    with path.open("rb") as stream:
        while content := stream.read(MEGABYTE):
            yield content
    yield end


def watch_check(file_id: int, seconds: float) -> str:
    """Waits until the check of a file has ended. Returns how far it came if it is cancelled."""
    from users.jobs import engine, transitions
    from users.transfer.models import ImportFile

    job: Any = ImportFile.objects.get(pk=file_id).check_job
    deadline = time.monotonic() + seconds
    while not job.has_ended and time.monotonic() < deadline:
        time.sleep(0.2)
        job.refresh_from_db()
    if job.has_ended:
        return ""
    engine.cancel_job(job, by=transitions.job_initiator(job))
    return f"Cancelled after {job.selected:,} rows."


def page_sentence(page: bytes) -> str:
    """Returns the first error of a page, or else the reason of its first rejected row or its
    totals.
    """
    from tests.pages import read

    tree = read(SimpleNamespace(content=page))
    errors = tree.all("p", class_="error")
    # The error of a field says more than that of the whole form.
    errors.sort(key=lambda error: error.matches({"note"}, {}))
    rejected = [row for group in tree.all("ul", class_="rejected-rows") for row in group.all("p")]
    totals = [part for group in tree.all("dl", class_="import-counts") for part in group.all("div")]
    texts = [element.text for element in errors + rejected]
    texts.append(", ".join(part.text for part in totals))
    return texts[0][:SENTENCE_MAX]


def process_tree(pid: int) -> list[int]:
    children = psutil.Process(pid).children(recursive=True)
    return [pid, *(child.pid for child in children)]


def peak_memory(pid: int) -> float:
    """Returns the largest peak of a process and its children, in megabytes."""
    peaks = [0.0]
    for each in process_tree(pid):
        with suppress(OSError):
            lines = Path(f"/proc/{each}/status").read_text().splitlines()
            peaks += [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
    return max(peaks)


if __name__ == "__main__":
    sys.exit(main())
