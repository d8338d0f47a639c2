"""What every test leans on: caches that start empty, databases that can be flushed, a browser where
there is one.
"""

import gc
import os
import signal
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.core.cache import caches
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

from tests.full_history import imported
from users.bulk import preview, selection_count
from users.caching import timing
from users.models import User

pytest_plugins = [
    "tests.plugins.flushing",
    "tests.plugins.browsing",
    "tests.plugins.summary",
    "tests.plugins.order",
]

SAMPLES = Path(__file__).parents[2] / "shared" / "samples"
WITHOUT_SAMPLES = "needs ../shared/samples"  # tests.plugins.summary lets this one pass

# How long an example takes says something about the machine and nothing about the code.
hypothesis.register_profile("rollcall", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.load_profile("rollcall")


def pytest_configure(config: pytest.Config) -> None:
    if (
        signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    ):  # as a shell's background job, and so would all that we start
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "postgresql: about PostgreSQL alone; left out on SQLite")
    config.addinivalue_line("markers", "sqlite: about SQLite alone; left out on PostgreSQL")


def pytest_collection_finish() -> None:
    """Makes garbage collection rare: it took a tenth of the time, mostly for the modules and tests
    that stay in memory to the end.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out, rather than skips, what the other leg of bin/test runs."""
    postgresql = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    other = {
        item for item in items if item.get_closest_marker("sqlite" if postgresql else "postgresql")
    }
    config.hook.pytest_deselected(items=list(other))
    items[:] = [item for item in items if item not in other]


@pytest.fixture(autouse=True)
def empty_caches():
    """Rate limits live in the database and are rolled back or flushed with it; these are not."""
    caches["pages"].clear()
    timing.PROCESS_FIGURES.forget()
    caches["process"].clear()


@pytest.fixture(autouse=True)
def all_the_time(monkeypatch):
    """A machine with much to do shows what a quick one does: no figure is given up, no report is
    due in between.
    """
    for module in (selection_count, preview):
        monkeypatch.setattr(module, "FIGURE_TIMEOUT_MS", 600_000)
    monkeypatch.setattr(selection_count, "COUNT_TIMEOUT_MS", 600_000)
    monkeypatch.setattr(timing, "REPORT_SECONDS", float("inf"))


@pytest.fixture
def samples() -> Path:
    """The folder of sample files, which stands beside the checkout and not in it."""
    if not SAMPLES.is_dir():
        pytest.skip(WITHOUT_SAMPLES)
    return SAMPLES


@pytest.fixture
def empty_database(tmp_path):
    """The address of an empty database on the server of this leg."""
    server = os.environ["DATABASE_URL"]
    if server.startswith("sqlite"):
        yield f"sqlite:///{tmp_path}/empty.sqlite3"
        return
    name = f"empty_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield server.replace("/rollcall?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def person(tmp_path, settings) -> User:
    """A person with entries in every table."""
    settings.MAIL_DIR = tmp_path / "mail"
    settings.EMAIL_BACKEND = "users.mail.file_backend.FilesBackend"
    return imported(tmp_path)


@pytest.fixture
def client_factory():
    """Another browser, in which this account is signed in."""

    def make(account) -> Client:
        client = Client()
        client.force_login(account)
        return client

    return make
