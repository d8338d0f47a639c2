"""The web servers that are measured: four with the same configuration on one database."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path

import psutil
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from benchmarks.client import Connection
from tests.servers import free_port, running, until
from users.models import User

ROOT = Path(__file__).resolve().parents[1]
WORKERS = 2
CLIENTS = 8
# A CSRF cookie that Django accepts: 32 letters and digits.
CSRF = "benchmark0benchmark0benchmark012"


@dataclass(frozen=True)
class Peer:
    """A web server to measure. `name` is its key in results; `environment` has its own variables.

    `counted`: the settings of the pass that counts queries. `caches`: whether it caches pages.
    `like`: the peer whose paths it is asked for, if not its own.
    """

    name: str
    label: str
    settings: str
    counted: str
    backend: str
    sessions: str
    environment: dict[str, str] = field(default_factory=dict)
    caches: bool = False
    like: str = ""

    @property
    def site(self) -> str:
        """Returns the key of its paths in a case."""
        return self.like or self.name


# Plain Django sets no statement timeout.
PLAIN = {"STATEMENT_TIMEOUT_MS": "0"}
ROLLCALL = Peer(
    name="rollcall",
    label="Rollcall",
    settings="settings",
    counted="benchmarks.settings_counted",
    backend="users.signin.auth_backend.Backend",
    sessions=settings.SESSION_ENGINE,
)
COLD = replace(
    ROLLCALL,
    settings="benchmarks.settings_cold",
    counted="benchmarks.settings_cold_counted",
)
ADMIN = Peer(
    name="admin",
    label="Django admin",
    settings="benchmarks.admin.settings",
    counted="benchmarks.admin.settings_counted",
    backend="django.contrib.auth.backends.ModelBackend",
    sessions="django.contrib.sessions.backends.db",
    environment=PLAIN,
)
TUNED = replace(
    ADMIN,
    name="tuned",
    label="tuned admin",
    environment=PLAIN | {"PGOPTIONS": "-c jit=off"},
)
BARE = replace(ADMIN, name="bare", label="bare view")
PEERS = [ROLLCALL, ADMIN, TUNED, BARE]


def rollcall_with_redis(url: str) -> Peer:
    return replace(ROLLCALL, environment={"REDIS_URL": url}, caches=True)


def with_plain_django(peer: Peer, names: frozenset[str]) -> Peer:
    """Returns a copy of `peer` with plain Django in place of the optimisations of these names."""
    listed = ",".join(sorted(names))
    settings_module = "benchmarks.settings_plain_cold"
    if peer.caches:
        settings_module = "benchmarks.settings_plain"
    return replace(
        peer,
        name=f"without-{listed}",
        label=f"without {listed}",
        settings=settings_module,
        counted=settings_module,
        environment=peer.environment | {"BENCH_WITHOUT": listed},
        like=peer.site,
    )


@dataclass(frozen=True)
class Running:
    """A peer that listens on `port`. `cookies` are those of a signed-in superuser; `pid` is that of
    the web server.
    """

    peer: Peer
    port: int
    cookies: str
    pid: int = 0

    def connect(self) -> Connection:
        return Connection(self.port, self.cookies)

    def cpu_seconds(self) -> float:
        """Returns the CPU time of its workers so far."""
        workers = psutil.Process(self.pid).children(recursive=True)
        times = [worker.cpu_times() for worker in workers]
        return sum(each.user + each.system for each in times)


@contextmanager
def run_servers(peers: list[Peer], folder: Path, *, counted: bool) -> Iterator[list[Running]]:
    with ExitStack() as stack:
        yield [stack.enter_context(run_server(peer, folder, counted)) for peer in peers]


@contextmanager
def run_server(peer: Peer, folder: Path, counted: bool) -> Iterator[Running]:
    """Runs gunicorn until the block ends. Its log is a file in `folder`."""
    port = free_port()
    module = peer.counted if counted else peer.settings
    variables = {
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "WEB_CONCURRENCY": str(WORKERS),
        "DJANGO_SETTINGS_MODULE": module,
    }
    command = [sys.executable, "-m", "gunicorn", "--config", "site/gunicorn.conf.py", "wsgi"]
    with (folder / f"{peer.name}.log").open("w") as log, superuser_session(peer) as key:
        options = {
            "cwd": ROOT,
            "env": os.environ | variables | peer.environment,
            "stdout": log,
            "stderr": subprocess.STDOUT,
        }
        with running(command, stop=signal.SIGTERM, **options) as process:
            cookies = f"{settings.SESSION_COOKIE_NAME}={key}; {settings.CSRF_COOKIE_NAME}={CSRF}"
            until(lambda: Connection(port, cookies).close(), OSError, process, peer.label)
            yield Running(peer, port, cookies, process.pid)


@contextmanager
def superuser_session(peer: Peer) -> Iterator[str]:
    """Yields the key of a superuser's session, as signing in would create it in the database."""
    superusers = User.objects.filter(is_superuser=True).order_by("pk")
    user = superusers.first() or User.objects.create_superuser("bench")
    session = import_module(peer.sessions).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = peer.backend
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    try:
        yield session.session_key
    finally:
        session.delete()
