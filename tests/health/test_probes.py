"""Checks with a deadline: a dependency that hangs is named, and holds one thread."""

import threading
import time
from threading import Event

import pytest

from users.health import probes
from users.health.probes import NO_ANSWER, UNKNOWN, Probe

THREADED_START = probes.Run.start


@pytest.fixture(autouse=True)
def threads(monkeypatch):
    monkeypatch.setattr(probes.Run, "start", THREADED_START)
    monkeypatch.setattr(probes, "DEADLINE_SECONDS", 0.2)


def well() -> str:
    return ""


def test_a_check_that_hangs_is_named_and_holds_one_thread_however_often_it_is_run():
    release = Event()
    hanging = Probe("disk", "Disk", lambda: str(release.wait(60) and ""), "disk")
    behind = Probe("space", "Space", well, "disk")
    beside = Probe("mail", "Mail", well, "mail")
    before = threading.active_count()
    for _ in range(3):
        found = probes.run_probes([hanging, behind, beside])
        assert found == {hanging: NO_ANSWER, behind: UNKNOWN, beside: ""}
    assert threading.active_count() == before + 1
    release.set()
    probes.SHARED_RUNS[(hanging, behind)].run.ended.wait(60)
    assert set(probes.run_probes([hanging, behind, beside]).values()) == {""}


def test_a_check_that_raises_names_the_type_alone():
    def fail() -> str:
        raise KeyError("ada@example.com")

    probe = Probe("disk", "Disk", fail, "disk")
    assert probes.run_probes([probe]) == {probe: "check failed (KeyError)"}


def test_all_checks_share_one_deadline():
    release = Event()
    hanging = [Probe(f"p{n}", "P", lambda: str(release.wait(60) or ""), f"d{n}") for n in range(5)]
    began = time.monotonic()
    assert set(probes.run_probes(hanging).values()) == {NO_ANSWER}
    assert time.monotonic() - began < 5 * 0.2
    release.set()
