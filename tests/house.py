"""Reads the order of the rooms from the import statements of a tree of modules.

A room is a folder of users/ or a module directly in it. The functions take the root of a checkout,
so that tests/test_house.py can test them with trees that break the rules.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

# The modules that every later room may import form the room GROUND.
GROUND = "ground"
GROUND_MODULES = {
    "access",
    "access_setup",
    "administrators",
    "account_state",
    "contact_data",
    "email_addresses",
    "exceptions",
    "fields",
    "forgetting",
    "identifiers",
    "masking",
    "models",
    "password_hash",
    "permissions",
    "phone_numbers",
    "reserved_usernames",
    "role_grants",
    "role_models",
    "row_locks",
    "search_keys",
    "service_owners",
    "typed_text",
    "usernames",
}
# A room imports only rooms before it in this list.
ROOMS = [
    "database",
    GROUND,
    "passwords",
    "metrics",
    "web",
    "outbound",
    "caching",
    "audit",
    "sessions",
    "factors",
    "oidc",
    "sudo",
    "jobs",
    "mail",
    "meter",
    "privacy",
    "directory",
    "bulk",
    "notes",
    "history",
    "verbs",
    "campaigns",
    "presence",
    "doctor",
    "account",
    "staff",
    "tokens",
    "service_accounts",
    "formats",
    "transfer",
    "api",
    "scim",
    "evidence",
    "webhooks",
    "signin",
    "me",
    "dashboard",
    "health",
    "demo",
    "error_pages",
    "management",
    "templatetags",
    "apps",
    "urls",
]


def find_modules(root: Path, folder: str = "users") -> dict[str, Path]:
    """Returns the modules of a folder by dotted name; a package has the name of its folder.

    Migrations are left out: they are frozen, and tests/test_migrations.py checks them.
    """
    found = {}
    for file in sorted((root / folder).rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        if "migrations" not in parts:
            found[".".join(parts).removesuffix(".__init__")] = file
    return found


def room_of(module: str) -> str:
    """Returns the room of a dotted name such as "users.jobs.engine"."""
    parts = module.split(".")
    if len(parts) == 1:
        return ROOMS[0]  # the package users, which imports nothing
    return GROUND if parts[1] in GROUND_MODULES else parts[1]


def imported_names(file: Path) -> tuple[str, ...]:
    """Returns the dotted names that a file imports at its top, in functions and by import_module.

    A name may be a module or something in a module; `imported_modules` distinguishes them.
    """
    return names_in(file.read_text(), file)


@cache
def names_in(text: str, file: Path) -> tuple[str, ...]:
    """Returns the names that the text of a file imports. Parsing all files takes seconds, and
    several tests read them.
    """
    return tuple(find_imports(ast.parse(text), file))


def find_imports(tree: ast.Module, file: Path) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are written in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif is_import_call(node):
            assert isinstance(node, ast.Call)
            yield from (each.value for each in node.args if isinstance(each, ast.Constant))


def is_import_call(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name in {"import_module", "import_string", "__import__"}


def imported_modules(name: str, modules: dict[str, Path]) -> set[str]:
    """Returns the modules of `modules` that the module `name` imports, with their packages.

    Python also runs the __init__.py of each parent package. Packages that contain the importing
    module are left out.
    """
    found = set()
    names = set(imported_names(modules[name]))
    for imported in names:
        parts = str(imported).split(".")
        found |= {".".join(parts[:end]) for end in range(1, len(parts) + 1)} & modules.keys()
    own_packages = {other for other in modules if f"{name}.".startswith(f"{other}.")}
    explicit = names & own_packages
    return (found - own_packages) | (explicit - {name})


def upward_imports(root: Path) -> list[str]:
    """Returns a line for each import of a room by one before it, or of a room not in ROOMS."""
    modules = find_modules(root)
    lines = [f"{name} is in no room" for name in modules if room_of(name) not in ROOMS]
    for name in modules:
        room = room_of(name)
        imported = sorted(imported_modules(name, modules))
        later = [other for other in imported if is_later(room_of(other), than=room)]
        lines += [f"{name} imports {other}" for other in later]
    return lines


def is_later(room: str, *, than: str) -> bool:
    known = room in ROOMS and than in ROOMS
    return known and ROOMS.index(room) > ROOMS.index(than)


def import_circles(root: Path) -> list[list[str]]:
    """Returns groups of modules that import each other, directly or through others."""
    modules = find_modules(root)
    edges = {name: imported_modules(name, modules) for name in modules}
    reached = {name: reachable(name, edges) for name in modules}
    circles = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in modules
        if name in reached[name]
    }
    return [list(circle) for circle in sorted(circles)]


def reachable(name: str, edges: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(edges[name])
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting += edges[other]
    return found


def strange_folders(root: Path) -> list[str]:
    """Returns the folders of templates/users and tests that do not mirror another folder.

    A folder of tests mirrors a room or a top-level folder, except for `browser`, whose tests use
    all rooms, and `plugins` of pytest.
    """
    rooms = {room_of(name) for name in find_modules(root)}
    top = {path.name for path in root.iterdir() if path.is_dir()}
    allowed = {"templates/users": rooms, "tests": rooms | top | {"browser", "plugins"}}
    return [
        f"{tree}/{path.name}"
        for tree, names in allowed.items()
        for path in sorted((root / tree).iterdir())
        if path.is_dir() and path.name not in names | {"__pycache__"}
    ]
