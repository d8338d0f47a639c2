"""Jobs in the states that pages and tests need."""

import pytest

from tests.builders import make_superuser, make_user, make_users
from users.jobs import worker
from users.models import User


@pytest.fixture
def no_pauses(monkeypatch):
    """Between two tries, and on SQLite between two chunks."""
    monkeypatch.setattr(worker.time, "sleep", lambda seconds: None)


@pytest.fixture
def accounts() -> list[User]:
    return make_users(30)


@pytest.fixture
def agent(accounts) -> User:
    return make_user("Support")


@pytest.fixture
def root() -> User:
    return make_superuser()
