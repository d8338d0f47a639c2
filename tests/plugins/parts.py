"""One of two parts of the suite, as PART says: tests that are rolled back, or those that commit or need no database."""

import os

import pytest

COMMITTING = {"transactional_db", "live_server"}  # fixtures


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if part := os.environ.get("PART"):
        other = {item for item in items if is_rolled_back(item) != (part == "rolled-back")}
        config.hook.pytest_deselected(items=list(other))
        items[:] = [item for item in items if item not in other]


def is_rolled_back(item: pytest.Item) -> bool:
    fixtures, marker = set(getattr(item, "fixturenames", ())), item.get_closest_marker("django_db")
    if fixtures & COMMITTING or (marker and marker.kwargs.get("transaction")):
        return False
    return marker is not None or "db" in fixtures
