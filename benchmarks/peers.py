"""What is measured: four web servers with the same configuration, two workers each, over one
database.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from benchmarks.client import Connection
from tests.servers import free_port, running, until
from users.models import User

ROOT = Path(__file__).resolve().parents[1]
WORKERS = 2
CLIENTS = 8
CSRF = "benchmark0benchmark0benchmark012"  # a cookie that Django takes: 32 letters and digits


@dataclass(frozen=True)
class Peer:
    """`name` is the key in results. `environment`: the variables that differ from the others'.
    `caches`: whether it keeps pages. `like`: the peer whose paths it is asked for, if not its own.
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
        """The key of its paths in cases."""
        return self.like or self.name


MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
# Plain Django sets no limits on statements: the peers run to their end.
PLAIN = {"STATEMENT_TIMEOUT_MS": "0"}
PROJECT = (
    "benchmarks.admin.settings",
    "benchmarks.admin.counted",
    MODEL_BACKEND,
    "django.contrib.sessions.backends.db",
)
ROLLCALL = Peer(
    "rollcall",
    "Rollcall",
    "settings",
    "benchmarks.counted",
    "users.signin.auth_backend.Backend",
    settings.SESSION_ENGINE,
)
COLD = replace(ROLLCALL, settings="benchmarks.cold", counted="benchmarks.cold_counted")
PEERS = [
    ROLLCALL,
    Peer("admin", "Django admin", *PROJECT, environment=PLAIN),
    Peer("tuned", "tuned admin", *PROJECT, environment=PLAIN | {"PGOPTIONS": "-c jit=off"}),
    Peer("bare", "bare view", *PROJECT, environment=PLAIN),
]


def with_redis(url: str) -> Peer:
    return replace(ROLLCALL, environment={"REDIS_URL": url}, caches=True)


def without_tricks(peer: Peer, names: frozenset[str]) -> Peer:
    """Rollcall as `peer` is, with plain Django in the place of the tricks of that name."""
    settings_module = "benchmarks.plain" if peer.caches else "benchmarks.plain_cold"
    listed = ",".join(sorted(names))
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
    """A peer that answers: where, and with which cookies somebody is signed in."""

    peer: Peer
    port: int
    cookies: str

    def connect(self) -> Connection:
        return Connection(self.port, self.cookies)


@contextmanager
def serving(peers: list[Peer], folder: Path, *, counted: bool) -> Iterator[list[Running]]:
    with ExitStack() as stack:
        yield [stack.enter_context(server(peer, folder, counted)) for peer in peers]


@contextmanager
def server(peer: Peer, folder: Path, counted: bool) -> Iterator[Running]:
    """Gunicorn until the block ends; what it says goes to a file beside the database."""
    port = free_port()
    module = peer.counted if counted else peer.settings
    variables = {
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "WEB_CONCURRENCY": str(WORKERS),
        "DJANGO_SETTINGS_MODULE": module,
    }
    command = [sys.executable, "-m", "gunicorn", "--config", "site/gunicorn.conf.py", "wsgi"]
    with (folder / f"{peer.name}.log").open("w") as log, signed_in(peer) as key:
        options = {
            "cwd": ROOT,
            "env": os.environ | variables | peer.environment,
            "stdout": log,
            "stderr": subprocess.STDOUT,
        }
        with running(command, stop=signal.SIGTERM, **options) as process:
            cookies = f"{settings.SESSION_COOKIE_NAME}={key}; {settings.CSRF_COOKIE_NAME}={CSRF}"
            until(lambda: Connection(port, cookies).close(), OSError, process, peer.label)
            yield Running(peer, port, cookies)


@contextmanager
def signed_in(peer: Peer) -> Iterator[str]:
    """The key of a superuser's session, made in the database as signing in would make it."""
    user = User.objects.filter(is_superuser=True).order_by(
        "pk"
    ).first() or User.objects.create_superuser("bench")
    session = import_module(peer.sessions).SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), peer.backend
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    try:
        yield session.session_key
    finally:
        session.delete()
