"""/readyz: what Rollcall leans on, each thing named."""

from datetime import timedelta

import pytest
import redis
from django.db import OperationalError, connection
from django.utils import timezone

from tests import servers
from users.jobs import queries, tasks
from users.jobs.models import WorkerBeat
from users.jobs.queue.task_queue import CLUSTERS

pytestmark = pytest.mark.django_db

CACHE = "not reachable, or not storing values"


@pytest.fixture
def beats():
    for cluster in CLUSTERS:
        WorkerBeat.objects.create(cluster=cluster)


def test_it_is_ready_when_everything_answers(client, beats):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"ready": True, "database": "ok", "cache": "ok", "workers": "ok"}
    assert response["Cache-Control"] == "no-store"


def test_workers_that_never_ran_are_named(client):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json()["workers"] == "main never seen; notify never seen"


def test_a_cluster_that_fell_silent_is_named_and_the_others_are_not(client, beats):
    moment = timezone.now() - timedelta(seconds=61)
    WorkerBeat.objects.filter(cluster="notify").update(at=moment)
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json()["workers"] == f"notify not seen since {moment:%Y-%m-%d %H:%M:%S} UTC"


def test_a_cluster_that_ran_within_a_minute_is_not_late(client, beats):
    WorkerBeat.objects.update(at=timezone.now() - timedelta(seconds=55))
    assert client.get("/readyz").json()["workers"] == "ok"


def test_a_beat_from_the_future_is_named(client, beats):
    moment = timezone.now() + timedelta(hours=2)
    WorkerBeat.objects.filter(cluster="main").update(at=moment)
    response = client.get("/readyz")
    at = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    assert response.json()["workers"] == f"main seen in the future, at {at}"


@pytest.mark.parametrize("hours", [2, -2])
def test_a_host_whose_clock_is_off_beats_and_looks_by_the_time_of_the_database(
    client, monkeypatch, hours
):
    moment = timezone.now() + timedelta(hours=hours)
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)
    for cluster in CLUSTERS:
        tasks.record_beat(cluster)
    assert client.get("/readyz").json()["workers"] == "ok"
    monkeypatch.undo()
    assert client.get("/readyz").json()["workers"] == "ok"
    assert queries.worker_outage() is None


def test_without_the_database_it_is_not_ready(client, monkeypatch):
    def refuse(*_: object, **__: object):
        raise OperationalError("connection to server at 10.0.0.7 failed: password of rollcall")

    monkeypatch.setattr(connection, "cursor", refuse)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "ready": False,
        "database": "not reachable",
        "cache": "ok",
        "workers": "unknown",
    }


def test_without_redis_it_is_ready_and_says_so(client, beats, settings, tmp_path):
    with servers.redis_server(tmp_path / "redis") as url:
        options = {"SOCKET_CONNECT_TIMEOUT": 30, "SOCKET_TIMEOUT": 30}
        pages = {"BACKEND": "users.caching.backend.PageCache", "LOCATION": url, "OPTIONS": options}
        settings.CACHES = settings.CACHES | {"pages": pages}
        assert client.get("/readyz").json()["cache"] == "ok"
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "ready": True,
        "database": "ok",
        "cache": "not reachable, or not storing values",
        "workers": "ok",
    }


def test_a_redis_that_is_full_is_named(client, settings, tmp_path):
    with servers.redis_server(tmp_path / "redis") as url:
        settings.CACHES = settings.CACHES | {
            "pages": {"BACKEND": "users.caching.backend.PageCache", "LOCATION": url}
        }
        redis.Redis.from_url(url).config_set("maxmemory", 1)
        assert client.get("/readyz").json()["cache"] == CACHE


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_takes_no_other_method(client, method):
    response = getattr(client, method)("/readyz")
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"
