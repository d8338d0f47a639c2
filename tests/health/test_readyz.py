"""/readyz: what Rollcall leans on, each thing named."""

from datetime import timedelta

import pytest
import redis
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from django_q.models import Schedule

from tests import servers
from tests.caching.outage import own_redis, until_back
from tests.mail.servers import Postbox, serve
from users.health import checks, probes
from users.health.readiness import PROBES
from users.jobs import queries, tasks
from users.jobs.models import WorkerBeat
from users.jobs.queue.task_queue import CLUSTERS

pytestmark = pytest.mark.django_db

CACHE = "not reachable, or not storing values"
NAMES = [probe.name for probe in PROBES if probe.name not in ("clock", "proxy", "replica")]
WELL = {"ready": True, "status": "ok"} | dict.fromkeys(NAMES, "ok")


@pytest.fixture(autouse=True)
def time_passed(settings):
    """The schedules are those of the start of the suite, and its disk may be full."""
    Schedule.objects.update(next_run=timezone.now())
    settings.ALARM_DISK_PERCENT = 101


@pytest.fixture
def beats():
    for cluster in CLUSTERS:
        WorkerBeat.objects.create(cluster=cluster)


def test_it_is_ready_when_everything_answers(client, beats):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == WELL
    assert response["Cache-Control"] == "no-store"
    words = client.get("/readyz", headers={"Accept": "text/plain"})
    assert (words.status_code, words.content) == (200, b"All well.\n")


def test_problems_are_listed_in_words(client):
    words = client.get("/readyz", headers={"Accept": "text/plain"})
    assert words.content.decode() == (
        "Ready, with warnings.\nworkers: main never seen; notify never seen\n"
    )


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
    with monkeypatch.context() as patch:
        patch.setattr("django.utils.timezone.now", lambda: moment)
        for cluster in CLUSTERS:
            tasks.record_beat(cluster)
        assert client.get("/readyz").json()["workers"] == "ok"
    assert client.get("/readyz").json()["workers"] == "ok"
    assert queries.worker_outage() is None


def test_without_the_database_it_is_not_ready(client, monkeypatch):
    def refuse(*_: object, **__: object):
        raise OperationalError("connection to server at 10.0.0.7 failed: password of rollcall")

    monkeypatch.setattr(connection, "cursor", refuse)
    response = client.get("/readyz")
    assert response.status_code == 503
    found = response.json()
    assert (found["ready"], found["status"]) == (False, "unavailable")
    assert (found["database"], found["cache"]) == ("not reachable", "ok")
    assert {found[name] for name in ("workers", "migrations", "schedules")} == {"unknown"}


def test_without_redis_it_is_ready_and_says_so(client, beats, tmp_path):
    with own_redis(tmp_path, patience=0.5) as server:
        until_back()
        assert client.get("/readyz").json() == WELL
        for stop in (server.freeze, server.kill):
            stop()
            response = client.get("/readyz")
            assert response.status_code == 200
            assert response.json() == WELL | {"status": "degraded", "cache": CACHE}


def test_a_redis_that_is_full_is_named(client, settings, tmp_path):
    with servers.redis_server(tmp_path / "redis") as url:
        settings.CACHES = settings.CACHES | {
            "pages": {"BACKEND": "users.caching.backend.PageCache", "LOCATION": url}
        }
        redis.Redis.from_url(url).config_set("maxmemory", 1)
        assert client.get("/readyz").json()["cache"] == CACHE


def test_a_missing_migration_is_named(client, beats):
    MigrationRecorder.Migration.objects.filter(app="users", name="0012_jobs").delete()
    found = client.get("/readyz").json()
    assert found["migrations"] == "1 not applied, first 0012_jobs; run bin/release"
    assert (found["ready"], found["status"]) == (True, "degraded")


def test_a_mail_server_that_is_gone_is_named_and_one_that_answers_is_not_asked_again(
    client, settings
):
    settings.EMAIL_BACKEND = checks.SMTP_BACKEND
    settings.EMAIL_HOST = "127.0.0.1"
    server = serve(Postbox())
    settings.EMAIL_PORT = server.port
    assert client.get("/readyz").json()["mail"] == "ok"
    server.stop()
    assert client.get("/readyz").json()["mail"] == "ok"
    probes.REUSED_UNTIL.clear()
    found = client.get("/readyz").json()
    assert found["mail"] == "mail server not reachable (ConnectionRefusedError)"
    assert found["ready"]


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_takes_no_other_method(client, method):
    response = getattr(client, method)("/readyz")
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"
