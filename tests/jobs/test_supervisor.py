"""The supervisor's decision that a cluster is silent. What it does then is tested in
test_worker.py, with real processes.
"""

from types import SimpleNamespace

import pytest
from django.db import connection

from users.database.clock import DATABASE_CLOCK
from users.jobs import tasks
from users.jobs.queue import supervisor, task_queue

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(supervisor, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def cluster(clock, monkeypatch):
    """A cluster whose process lives and takes no tasks. `replaced`: when that was done to it."""
    cluster = supervisor.Cluster(task_queue.MAIN)
    cluster.process = SimpleNamespace(is_alive=lambda: True)
    cluster.busy_until.value = clock.now
    cluster.checked_at = clock.now
    cluster.replaced = []
    monkeypatch.setattr(cluster, "replace", lambda: cluster.replaced.append(clock.now))
    cluster.check()
    return cluster


def look_on(cluster, clock, seconds: int) -> None:
    for _ in range(seconds):
        clock.now += 1
        cluster.check()


def test_a_beat_that_is_not_answered_is_silence_after_its_time(cluster, clock):
    look_on(cluster, clock, supervisor.SILENCE_SECONDS)
    assert cluster.replaced == []
    look_on(cluster, clock, 1)
    assert cluster.replaced == [clock.now]


def test_whose_beats_are_answered_is_left_alone(cluster, clock):
    for _ in range(10):
        look_on(cluster, clock, supervisor.BEAT_SECONDS)
        tasks.record_beat(task_queue.MAIN)
    assert cluster.replaced == []


def test_a_supervisor_that_was_away_itself_blames_nobody(cluster, clock):
    clock.now += 100
    cluster.check()
    look_on(cluster, clock, supervisor.SILENCE_SECONDS)
    assert cluster.replaced == []
    look_on(cluster, clock, 1)
    assert cluster.replaced == [clock.now]  # it is silent indeed


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_the_clocks_are_compared_before_clusters_are_forked(monkeypatch):
    offsets = []
    monkeypatch.setattr(DATABASE_CLOCK, "offset", None)
    monkeypatch.setattr(supervisor, "preload_modules", lambda: None)
    monkeypatch.setattr(supervisor.signal, "signal", lambda *given: None)
    connection.close()
    parent = supervisor.Supervisor([task_queue.MAIN])
    [cluster] = parent.clusters
    monkeypatch.setattr(cluster, "check", lambda: offsets.append(DATABASE_CLOCK.offset))
    monkeypatch.setattr(parent, "wait_for_exit", lambda: parent.request_stop(0, None))
    parent.run()
    assert len(offsets) == 1
    assert offsets[0] is not None
