"""The house stands as it was drawn: what imports what, read from the import statements."""

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

pytestmark = pytest.mark.sqlite  # of files, and not of the database

ROOT = Path(__file__).parents[1]
# Lowest first; a module stands on the floor of the first pattern that fits its name, and on WORK
# where none does.
MODELS, LEANED_ON, VERBS, ENGINE, WORK, DOORS = range(1, 7)
FLOORS = {
    MODELS: "models *.models among prepared identifiers triggers migrations.*",
    LEANED_ON: "access account.masking caching.* audit.actions audit.chain audit.origin audit.record audit.redacting jobs.queue"
    " jobs.schedule jobs.stop mail.files mail.letters mail.links mail.outbox"
    " transfer.pieces staff.loading staff.sessions staff.signins staff.throttle staff.traces staff.devices staff.places",
    VERBS: "account.verbs* account.errors account.identity account.reservations"
    " directory.counts directory.filter directory.keyset directory.parameters directory.search"
    " redaction.matching redaction.values",
    ENGINE: "jobs.engine jobs.kinds jobs.turns",
    DOORS: "bulk.actions* *views *.request *urls *forms *.tasks *.middleware management.* templatetags.* apps errors headers"
    " jobs.supervisor account.submit staff.adapter staff.backend staff.gate staff.greeting staff.rail staff.signals"
    " staff.viewer account.asks",
}


def modules(folder: str) -> dict[str, Path]:
    """Dotted names, as they are imported, and files."""
    files = (ROOT / folder).rglob("*.py")
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
        for file in files
    }


USERS = modules("users")


def floor(module: str) -> int:
    name = module.removeprefix("users.")
    fitting = (
        number
        for number, patterns in FLOORS.items()
        if any(fnmatch(name, pattern) for pattern in patterns.split())
    )
    return next(fitting, WORK)


def imported(file: Path) -> Iterator[str]:
    """The modules that a file imports, late imports too; an imported name is not taken for a module
    unless it is one.
    """
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are written in full"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in USERS else str(node.module)


def test_imports_point_downwards():
    upwards = [
        f"{module} imports {other}"
        for module, file in USERS.items()
        for other in imported(file)
        if other in USERS and USERS[other].name != "__init__.py" and floor(other) > floor(module)
    ]
    assert not upwards, "\n".join(upwards)


def test_views_import_no_views():
    views = {module: file for module, file in USERS.items() if module.endswith("views")}
    assert views
    assert [
        f"{module} imports {other}"
        for module, file in views.items()
        for other in imported(file)
        if other in views
    ] == []


def test_only_the_queue_imports_django_q():
    importers = {
        module
        for module, file in USERS.items()
        for other in imported(file)
        if other.split(".")[0] == "django_q"
    }
    assert importers == {"users.jobs.queue.doorbell"}


def test_the_application_imports_nothing_of_the_site():
    site = {file.stem for file in (ROOT / "site").glob("*.py")}
    assert {"settings", "urls", "wsgi"} <= site
    assert [
        f"{module} imports {other}"
        for module, file in USERS.items()
        for other in imported(file)
        if other in site
    ] == []


def test_nobody_imports_a_private_name_of_another_module():
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
