"""A part of the suite, as PART says: tests that commit or need no database, or those of some rooms
that are rolled back.
"""

import os

import pytest

COMMITTING = {"transactional_db", "live_server"}  # fixtures
PARTS = {"committed": "what is committed", "a-c": "rooms a to c", "d-z": "rooms d to z"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if part := os.environ.get("PART"):
        other = {item for item in items if part_of(item) != part}
        config.hook.pytest_deselected(items=list(other))
        items[:] = [item for item in items if item not in other]


def part_of(item: pytest.Item) -> str:
    if not is_rolled_back(item):
        return "committed"
    return "a-c" if item.nodeid.removeprefix("tests/") < "d" else "d-z"


def is_rolled_back(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    marker = item.get_closest_marker("django_db")
    if fixtures & COMMITTING or (marker and marker.kwargs.get("transaction")):
        return False
    return marker is not None or "db" in fixtures
