"""Sorts the test files for pytest-xdist, the longest first."""

from collections import Counter

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "long: takes so long that its file runs first under pytest-xdist"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sorts by file only: a worker of pytest-xdist runs whole files."""
    if not hasattr(config, "workerinput"):
        return
    sizes = Counter(item.path for item in items)
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: (item.path not in long, -sizes[item.path], str(item.path)))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names bytes by their argument: archives contain the time at which each worker made them."""
    return argname if isinstance(val, bytes) else None
