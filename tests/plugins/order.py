"""Sorts the test files for pytest-xdist, the longest first."""

from collections import Counter
from pathlib import Path

import pytest

# CPU seconds of a test that is marked as long without a number.
LONG_SECONDS = 5


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "long(seconds): takes so many CPU seconds that its file runs first under pytest-xdist",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sorts by file only: a worker of pytest-xdist runs whole files."""
    if not hasattr(config, "workerinput"):
        return
    sizes = Counter(item.path for item in items)
    seconds = long_files(items)
    items.sort(key=lambda item: (-seconds[item.path], -sizes[item.path], str(item.path)))


def long_files(items: list[pytest.Item]) -> Counter[Path]:
    """Returns the seconds of the longest test in each file that has a long one."""
    seconds: Counter[Path] = Counter()
    for item in items:
        if mark := item.get_closest_marker("long"):
            marked = mark.args[0] if mark.args else LONG_SECONDS
            seconds[item.path] = max(seconds[item.path], marked)
    return seconds


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names bytes by their argument: archives contain the time at which each worker made them."""
    return argname if isinstance(val, bytes) else None
