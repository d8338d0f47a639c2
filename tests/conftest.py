"""Fixtures and hooks of all tests."""

import gc
import os
import signal
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.core.cache import caches
from django.template import Context
from django.test import Client
from django.test import client as test_client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

from tests.full_history import imported
from tests.sign_in import sign_in
from users.bulk import preview, selection_count
from users.caching import timing
from users.directory.query.key_sample import SAMPLE_MEMORY
from users.health import probes
from users.models import User
from users.scim import search_limits

pytest_plugins = [
    "tests.plugins.flushing",
    "tests.plugins.browsing",
    "tests.plugins.summary",
    "tests.plugins.order",
]

SAMPLES = Path(__file__).parents[2] / "shared" / "samples"
# The only reason for which tests.plugins.summary allows a skip.
WITHOUT_SAMPLES = "needs ../shared/samples"

# The duration of an example depends on the load of the machine, so there is no deadline.
hypothesis.register_profile("rollcall", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.load_profile("rollcall")

Client._login = sign_in
STORE_CONTEXT = test_client.store_rendered_templates


def store_page_context(
    store: dict[str, Any], signal: Any, sender: Any, template: Any, context: Context, **kwargs: Any
) -> None:
    """Stores the context of a page for `response.context`, but not, as Django does, that of each
    template that the page includes: most pages include dozens.
    """
    # A named partial sends no signal itself, so the first template that it includes stands for it.
    if "context" not in store or context.template is template:
        STORE_CONTEXT(store, signal, sender, template, context, **kwargs)


test_client.store_rendered_templates = store_page_context


def pytest_configure(config: pytest.Config) -> None:
    # A background job of a shell ignores SIGINT, and so would all processes that tests start.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.disable()  # while tests are collected, which creates objects that stay
    config.addinivalue_line("markers", "postgresql: runs only on PostgreSQL")
    config.addinivalue_line("markers", "sqlite: runs only on SQLite")


def pytest_collection_finish() -> None:
    """Makes garbage collection rare: it took a tenth of the time, mostly for the modules and tests
    that stay in memory to the end.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects tests that run only on the other database, without a skip."""
    postgresql = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    marker = "sqlite" if postgresql else "postgresql"
    other = {item for item in items if item.get_closest_marker(marker)}
    config.hook.pytest_deselected(items=list(other))
    items[:] = [item for item in items if item not in other]


@pytest.fixture(autouse=True)
def empty_caches():
    """Empties the caches outside of the database, which no rollback empties."""
    caches["pages"].clear()
    timing.PROCESS_FIGURES.reset()
    caches["process"].clear()
    SAMPLE_MEMORY.clear()


@pytest.fixture(autouse=True)
def no_time_limits(monkeypatch):
    """Removes time limits on counts, and periodic reports, so that a slow machine behaves as a fast
    one does.
    """
    for module in (selection_count, preview):
        monkeypatch.setattr(module, "FIGURE_TIMEOUT_MS", 600_000)
    monkeypatch.setattr(selection_count, "COUNT_TIMEOUT_MS", 600_000)
    monkeypatch.setattr(search_limits, "SEARCH_TIMEOUT_MS", 600_000)
    monkeypatch.setattr(timing, "REPORT_SECONDS", float("inf"))
    # In the thread of the test, whose transaction another one would not see.
    monkeypatch.setattr(probes.Run, "start", run_here)
    monkeypatch.setattr(probes, "STATEMENT_MS", 600_000)


@pytest.fixture
def samples() -> Path:
    """Returns the folder of sample files beside the checkout. Skips the test if it is missing."""
    if not SAMPLES.is_dir():
        pytest.skip(WITHOUT_SAMPLES)
    return SAMPLES


@pytest.fixture
def empty_database(tmp_path):
    """Yields the URL of an empty database on the server of this leg."""
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
    """Returns an account with rows in every table."""
    settings.MAIL_DIR = tmp_path / "mail"
    settings.EMAIL_BACKEND = "users.mail.file_backend.FilesBackend"
    return imported(tmp_path)


@pytest.fixture
def client_factory():
    """Returns a function that makes another client in which an account is signed in."""

    def make(account) -> Client:
        client = Client()
        client.force_login(account)
        return client

    return make


def run_here(run: probes.Run) -> None:
    """Runs checks in the thread of the test, with its database connection."""
    run.run()
    run.ended.set()
