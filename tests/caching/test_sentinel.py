"""The page cache behind Sentinel: the primary is killed, and its replica takes over."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from connections import cache_settings, parse_sentinel_url
from django.conf import settings
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, override_settings
from django_redis.pool import ConnectionFactory

from tests import servers
from tests.builders import make_superuser, make_user
from tests.caching.looking import ask, listed
from tests.processes import until
from users.caching import backend
from users.models import User

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]
SENTINEL = """port {port}
bind 127.0.0.1
sentinel monitor pages 127.0.0.1 {primary} 2
sentinel down-after-milliseconds pages 1000
sentinel failover-timeout pages 3000
"""


class Cluster:
    """A primary, its replica and three sentinels."""

    def __init__(self, folder: Path, stack: ExitStack):
        self.folder = folder
        self.stack = stack
        self.ports = [servers.free_port() for _ in range(5)]
        self.primary = self.start("--port", self.ports[0])
        follow = ["--replicaof", f"127.0.0.1 {self.ports[0]}", "--repl-diskless-sync-delay", 0]
        self.start("--port", self.ports[1], *follow)
        # Sentinels ask for replicas every ten seconds, and at once when they start.
        until(self.has_replica)
        for port in self.ports[2:]:
            file = folder / f"{port}.conf"
            file.write_text(SENTINEL.format(port=port, primary=self.ports[0]))
            self.start(file, "--sentinel")
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports[2:])
        self.url = f"redis+sentinel://{hosts}/pages/0"

    def start(self, *arguments: object) -> subprocess.Popen:
        command = [servers.redis_program(), *arguments]
        if "--sentinel" not in arguments:
            command += ["--bind", "127.0.0.1", "--save", ""]
        options = {"cwd": self.folder, "stdout": subprocess.DEVNULL}
        return self.stack.enter_context(
            servers.running(command, stop=signal.SIGKILL, **options),
        )

    def ask(self, number: int) -> redis.Redis:
        return redis.Redis(port=self.ports[number])

    def has_replica(self) -> bool:
        try:
            return self.ask(0).info("replication")["connected_slaves"] == 1
        except redis.ConnectionError:
            return False

    def is_complete(self) -> bool:
        """Returns whether each sentinel knows the replica and the two others."""
        try:
            states = [self.ask(number).sentinel_masters()["pages"] for number in (2, 3, 4)]
        except (redis.ConnectionError, KeyError):
            return False
        return all(
            (state["num-slaves"], state["num-other-sentinels"]) == (1, 2) for state in states
        )


@pytest.fixture
def cluster(tmp_path, monkeypatch) -> Iterator[Cluster]:
    with ExitStack() as stack:
        cluster = Cluster(tmp_path, stack)
        until(cluster.is_complete)
        monkeypatch.setattr(backend, "BREAKER_SECONDS", 0.2)
        pages = cache_settings(cluster.url, settings.BASE_DIR)["pages"]
        with override_settings(CACHES=settings.CACHES | {"pages": pages}):
            yield cluster
        backend.PROCESS_STATE.pop(pages["LOCATION"], None)
        if pool := ConnectionFactory._pools.pop(pages["LOCATION"], None):
            pool.disconnect()


def stores() -> bool:
    """Returns whether the cache stores what it is given."""
    caches["pages"].add("something", 1, 1)
    try:
        caches["pages"].probe()
    except redis.RedisError:
        return False
    return not caches["pages"].current_error()


def test_pages_come_during_a_failover_and_the_cache_works_after_it(cluster):
    account = make_user(first_name="Name0", last_name="")
    client = Client()
    client.force_login(make_superuser())
    until(stores)
    until(lambda: ask(client, "/users/").outcome == "hit")
    assert cluster.ask(0).dbsize() > 0
    cluster.primary.kill()
    cluster.primary.wait()
    deadline = time.monotonic() + 60
    number = 0
    while not stores():
        number += 1
        User.objects.filter(pk=account.pk).update(first_name=f"Name{number}")
        began = time.monotonic()
        page = client.get("/users/")
        assert time.monotonic() - began < 1
        assert listed(page)[account.pk][0] == f"Name{number}"
        assert time.monotonic() < deadline
    assert number > 1
    assert cluster.ask(1).role()[0] == b"master"
    User.objects.filter(pk=account.pk).update(first_name="Last")
    client.get("/users/")
    caches["pages"].memory.clear()
    page = ask(client, "/users/")
    assert page.outcome == "hit"
    assert listed(page)[account.pk][0] == "Last"


def test_the_url_has_hosts_a_service_and_a_database():
    location, options = parse_sentinel_url("redis+sentinel://u:p%40@[::1]:1,b/cache/2")
    assert location == "redis://u:p%40@cache/2"
    assert options["SENTINELS"] == [("::1", 1), ("b", 26379)]
    assert parse_sentinel_url("redis://a/1") == ("redis://a/1", {})
    for wrong in ("redis+sentinel://a", "redis+sentinel:///pages", "redis+sentinel://a:x/p/0"):
        with pytest.raises(ImproperlyConfigured, match="looks like"):
            parse_sentinel_url(wrong)
