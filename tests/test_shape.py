"""The shape of the code: short functions and modules, and one comprehension to a statement."""

import ast
from pathlib import Path

import pytest

pytestmark = pytest.mark.sqlite  # of files, and not of the database

ROOT = Path(__file__).parents[1]
LONGEST_FUNCTION = 25  # lines of its body, without the docstring
LONGEST_MODULE = 400
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.IfExp)
COMPOUND = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.If,
    ast.For,
    ast.With,
    ast.Try,
    ast.While,
)


def read_sources(*folders: str) -> dict[str, str]:
    """Returns path → text of the Python files in folders of the checkout, without migrations."""
    files = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    return {
        str(file.relative_to(ROOT)): file.read_text()
        for file in files
        if "migrations" not in file.parts
    }


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Returns the lines of the body without the docstring."""
    first = function.body[0]
    begin = first.lineno - 1
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        begin = first.end_lineno or first.lineno
    return (function.end_lineno or begin) - begin


def long_functions(sources: dict[str, str]) -> list[str]:
    """Returns "path: function" for each function whose body is too long."""
    return [
        f"{path}: {node.name}"
        for path, text in sources.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and body_length(node) > LONGEST_FUNCTION
    ]


def packed_statements(sources: dict[str, str]) -> list[str]:
    """Returns "path:line" for each simple statement with several comprehensions or ternaries."""
    found = []
    for path, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.stmt) or isinstance(node, COMPOUND):
                continue
            if sum(isinstance(part, COMPREHENSIONS) for part in ast.walk(node)) > 1:
                found.append(f"{path}:{node.lineno}")
    return found


def long_modules(sources: dict[str, str]) -> list[str]:
    return [path for path, text in sources.items() if len(text.splitlines()) > LONGEST_MODULE]


@pytest.fixture(scope="module")
def application() -> dict[str, str]:
    return read_sources("users", "site", "benchmarks")


def test_no_function_is_long(application):
    assert long_functions(application) == []


def test_no_statement_packs_several_comprehensions(application):
    assert packed_statements(application) == []


def test_no_module_is_long(application):
    assert long_modules(application | read_sources("tests")) == []


def test_what_is_long_or_packed_is_found():
    lines = "\n".join("    x = 1" for _ in range(LONGEST_FUNCTION + 1))
    docstring = '    """A docstring\n\n    of three lines."""\n'
    fits = f"def fits():\n{docstring}" + lines.removeprefix("    x = 1\n")
    assert long_functions({"a.py": f"def long():\n{lines}\n", "b.py": fits}) == ["a.py: long"]
    packed = "x = 1\ny = [[c for c in b] for b in a]\nz = [c for c in b]\n"
    assert packed_statements({"a.py": packed}) == ["a.py:2"]
    assert long_modules({"a.py": "\n" * 401, "b.py": "\n" * 400}) == ["a.py"]
