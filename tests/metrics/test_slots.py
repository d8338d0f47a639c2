"""Processes that are killed and replaced leave no files behind and lose no count."""

import os
import signal
import subprocess
import sys

import pytest

from tests.house import find_modules
from tests.processes import ROOT
from users import apps
from users.metrics import slots
from users.metrics.exposition import ProcessCounts
from users.metrics.requests import REQUESTS

pytestmark = pytest.mark.sqlite  # of files, and not of the database
WORKERS = 3
RESTARTS = 50
# A server that forks processes as gunicorn does. Each counts for ever; a line of its standard input
# kills the process with that number and forks another one.
SERVER = """
import os, signal, sys, time
sys.path.insert(0, "site")
import django
from django.conf import settings
settings.configure(VAR_DIR=sys.argv[1])
from users.metrics.slots import take_slot
from users.metrics.requests import REQUESTS, SECONDS

def work():
    take_slot()
    while True:
        REQUESTS.labels("directory", 200).inc()
        SECONDS.labels("directory").observe(0.004)
        time.sleep(0.0002)

def fork():
    pid = os.fork()
    if not pid:
        try:
            work()
        finally:
            os._exit(1)
    return pid

pids = [fork() for _ in range(int(sys.argv[2]))]
print("ready", flush=True)
for line in sys.stdin:
    number = int(line)
    os.kill(pids[number], signal.SIGKILL)
    os.waitpid(pids[number], 0)
    pids[number] = fork()
    print("ready", flush=True)
for pid in pids:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
"""


@pytest.fixture
def server(tmp_path):
    """Runs SERVER in its own process group."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, tmp_path, str(WORKERS)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        start_new_session=True,
    )
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def counts() -> dict[str, float]:
    """Returns the numbers of all processes together."""
    samples = [sample for family in ProcessCounts().collect() for sample in family.samples]
    return {f"{sample.name}{sorted(sample.labels.items())}": sample.value for sample in samples}


def test_after_fifty_kills_there_are_no_more_files_than_slots_and_no_count_fell(
    server, tmp_path, settings
):
    settings.VAR_DIR = tmp_path
    folder = tmp_path / "metrics"
    assert server.stdout.readline() == "ready\n"
    before: dict[str, float] = {}
    for number in range(RESTARTS):
        now = counts()
        assert all(now[name] >= value for name, value in before.items()), number
        before = now
        server.stdin.write(f"{number % WORKERS}\n")
        assert server.stdout.readline() == "ready\n"
    server.stdin.close()
    assert server.wait(30) == 0
    after = counts()
    requests = "rollcall_requests_total[('status', '200'), ('view', 'directory')]"
    assert after[requests] >= before[requests] > RESTARTS
    assert {file.name for file in folder.iterdir()} == {
        "slots",
        *(f"{kind}_{slot}.db" for kind in slots.FILE_BYTES for slot in range(WORKERS)),
    }


@pytest.fixture
def process_slot(tmp_path, settings, monkeypatch):
    """Yields a slot that this process has not taken yet, and frees it afterwards."""
    settings.VAR_DIR = tmp_path
    slot = slots.ProcessSlot()
    monkeypatch.setattr(slots, "OWN_SLOT", slot)
    monkeypatch.setattr(slots.values, "ValueClass", slots.values.MutexValue)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR")
    yield slot
    monkeypatch.undo()
    slots.reset_metrics()


def test_a_damaged_file_begins_anew(process_slot, tmp_path, caplog):
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "counter_0.db").write_bytes(b"\xff\x0f\x00\x00 what a crash of the machine left")
    assert slots.take_slot() == 0
    assert "begin at zero" in caplog.text
    (folder / "counter_1.db").write_bytes(b"")
    REQUESTS.labels("directory", 200).inc()
    assert list(counts().values()) == [1]


def test_without_room_for_the_files_the_process_works_and_counts_nothing(
    process_slot, tmp_path, monkeypatch, caplog
):
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    assert slots.take_slot() is None
    assert slots.take_slot() is None
    assert caplog.messages == ["Metrics of this process are off: No space left on device"]


def test_the_gauges_of_every_room_are_registered():
    assert set(apps.GAUGES) == {name for name in find_modules(ROOT) if name.endswith(".gauges")}
