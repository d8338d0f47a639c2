"""The page query has one door: nothing outside the package imports what is inside it."""

from pathlib import Path

import pytest

from tests import house
from users.directory import query

pytestmark = pytest.mark.sqlite  # reads files, and no database
ROOT = Path(__file__).parents[3]
PACKAGE = "users.directory.query"


def inner_imports(root: Path) -> list[str]:
    """Returns a line for each import of a module inside the package by one outside it."""
    modules = house.find_modules(root)
    inside = {name for name in modules if name.startswith(f"{PACKAGE}.")}
    assert inside
    return [
        f"{name} imports {other}"
        for name in modules
        if not f"{name}.".startswith(f"{PACKAGE}.")
        for other in sorted(house.imported_modules(name, modules) & inside)
    ]


def unlisted_imports(root: Path) -> list[str]:
    """Returns the names that are imported from the package and that it does not offer."""
    prefix = f"{PACKAGE}."
    return [
        f"{name} imports {imported}"
        for name, file in house.find_modules(root).items()
        if not f"{name}.".startswith(prefix)
        for imported in house.imported_names(file)
        if imported.startswith(prefix) and imported.removeprefix(prefix) not in query.__all__
    ]


def test_nothing_outside_imports_what_is_inside():
    assert inner_imports(ROOT) == []
    assert unlisted_imports(ROOT) == []


def test_the_package_offers_two_functions_that_ask_the_database():
    functions = {
        name
        for name in query.__all__
        if callable(getattr(query, name)) and not isinstance(getattr(query, name), type)
    }
    assert functions == {"find", "find_former_values", "account_cursor", "cursor_at"}


@pytest.mark.parametrize(
    "text",
    [
        "from users.directory.query import keyset\n",
        "from users.directory.query.page_finder import find\n",
        "import users.directory.query.limits\n",
        "def late():\n    from users.directory.query import page_query\n    return page_query\n",
        "from importlib import import_module\nimport_module('users.directory.query.samples')\n",
    ],
)
def test_an_import_of_the_inside_is_found(tmp_path, text):
    source = ROOT / "users/directory/query"
    copy = tmp_path / "users/directory/query"
    copy.mkdir(parents=True)
    for file in source.glob("*.py"):
        (copy / file.name).write_text(file.read_text())
    (tmp_path / "users/bulk").mkdir()
    (tmp_path / "users/bulk/other.py").write_text(text)
    assert len(inner_imports(tmp_path)) == 1
    assert len(unlisted_imports(tmp_path)) == 1
