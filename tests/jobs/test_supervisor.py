"""When the supervisor calls a cluster silent. What it does then is seen in test_worker.py, with
real processes.
"""

from types import SimpleNamespace

import pytest

from users.jobs import tasks
from users.jobs.queue import doorbell, supervisor

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(supervisor, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def cluster(clock, monkeypatch):
    """Whose process is alive and takes no rings. `replaced`: when that was."""
    cluster = supervisor.Cluster(doorbell.MAIN)
    cluster.process = SimpleNamespace(is_alive=lambda: True)
    cluster.pulse.value = cluster.looked_at = clock.now
    cluster.replaced = []
    monkeypatch.setattr(cluster, "replace", lambda: cluster.replaced.append(clock.now))
    cluster.look_after()
    return cluster


def look_on(cluster, clock, seconds: int) -> None:
    for _ in range(seconds):
        clock.now += 1
        cluster.look_after()


def test_a_beat_that_is_not_answered_is_silence_after_its_time(cluster, clock):
    look_on(cluster, clock, supervisor.SILENCE_SECONDS)
    assert cluster.replaced == []
    look_on(cluster, clock, 1)
    assert cluster.replaced == [clock.now]


def test_whose_beats_are_answered_is_left_alone(cluster, clock):
    for _ in range(10):
        look_on(cluster, clock, supervisor.BEAT_SECONDS)
        tasks.record_beat(doorbell.MAIN)
    assert cluster.replaced == []


def test_a_supervisor_that_was_away_itself_blames_nobody(cluster, clock):
    clock.now += 100
    cluster.look_after()
    look_on(cluster, clock, supervisor.SILENCE_SECONDS)
    assert cluster.replaced == []
    look_on(cluster, clock, 1)
    assert cluster.replaced == [clock.now]  # it is silent indeed
