"""The house stands as docs/decisions.md draws it: which room imports which, and mirrored trees."""

import ast
from pathlib import Path

import pytest

from tests import house

pytestmark = pytest.mark.sqlite  # reads files, and no database

ROOT = Path(__file__).parents[1]
USERS = house.find_modules(ROOT)


def test_a_room_imports_only_rooms_before_it():
    assert house.upward_imports(ROOT) == []


def test_no_files_import_each_other():
    assert house.import_circles(ROOT) == []


def test_each_folder_of_templates_and_tests_mirrors_a_room():
    assert house.strange_folders(ROOT) == []


# --- the test of the test: six ways to break the house --------------------------------------------


@pytest.fixture
def write(tmp_path):
    """Writes the modules of a small house, by dotted name."""
    for folder in ("templates/users/jobs", "tests/jobs", "users/jobs", "users/mail"):
        (tmp_path / folder).mkdir(parents=True)

    def write(**modules: str) -> Path:
        for name, text in modules.items():
            file = tmp_path / "users" / f"{name.replace('__', '/')}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            (file.parent / "__init__.py").touch()
            file.write_text(text)
        return tmp_path

    write(jobs__engine="LIMIT = 1\n", mail__outbox="from users.jobs.engine import LIMIT\n")
    return write


def test_a_house_in_order_passes(write):
    root = write()
    assert house.upward_imports(root) == []
    assert house.import_circles(root) == []
    assert house.strange_folders(root) == []


def test_an_import_of_a_later_room_is_found(write):
    root = write(jobs__queries="from users.mail.outbox import LIMIT\n")
    assert "users.jobs.queries imports users.mail.outbox" in house.upward_imports(root)


def test_an_import_of_a_package_is_found(write):
    root = write(jobs__queries="import users.mail\n")
    assert house.upward_imports(root) == ["users.jobs.queries imports users.mail"]


@pytest.mark.parametrize(
    "late",
    [
        "def work():\n    from users.mail import outbox\n    return outbox\n",
        "from importlib import import_module\n\ndef work():\n"
        "    return import_module('users.mail.outbox')\n",
    ],
)
def test_a_late_import_is_found(write, late):
    root = write(jobs__queries=late)
    assert "users.jobs.queries imports users.mail.outbox" in house.upward_imports(root)


def test_a_module_in_no_room_is_found(write):
    root = write(helpers="")
    assert house.upward_imports(root) == ["users.helpers is in no room"]


def test_two_files_that_import_each_other_are_found(write):
    root = write(jobs__a="from users.jobs import b\n", jobs__b="from users.jobs.a import b\n")
    assert house.import_circles(root) == [["users.jobs.a", "users.jobs.b"]]


def test_a_folder_that_mirrors_no_room_is_found(write):
    root = write()
    (root / "tests" / "helpers").mkdir()
    (root / "templates" / "users" / "outbox").mkdir()
    assert house.strange_folders(root) == ["templates/users/outbox", "tests/helpers"]


# --- other rules ----------------------------------------------------------------------------------


def test_views_import_no_views():
    views = {name for name in USERS if name.endswith("views")}
    assert views
    crossed = {name: house.imported_modules(name, USERS) & views for name in views}
    assert {name: others for name, others in crossed.items() if others} == {}


def test_only_the_queue_imports_django_q():
    importers = {
        name
        for name, file in USERS.items()
        if any(imported.split(".")[0] == "django_q" for imported in house.imported_names(file))
    }
    assert importers
    assert all(name.startswith("users.jobs.queue.") for name in importers)


def test_the_application_imports_nothing_of_the_site():
    site = {file.stem for file in (ROOT / "site").glob("*.py")}
    assert {"settings", "urls", "wsgi"} <= site
    taken = [
        f"{name} imports {imported}"
        for name, file in USERS.items()
        for imported in house.imported_names(file)
        if imported.split(".")[0] in site
    ]
    assert taken == []


def test_no_module_imports_a_private_name_of_another():
    taken = [
        f"{module}: {alias.name}"
        for module, file in USERS.items()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("users")
        for alias in node.names
        if alias.name.startswith("_")
    ]
    assert taken == []


def test_site_is_no_package():
    """The standard library has a module of that name: with an __init__.py here, an interpreter may
    take this for it.
    """
    assert not (ROOT / "site" / "__init__.py").exists()
