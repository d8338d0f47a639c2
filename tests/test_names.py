"""Names, docstrings and lengths of lines, counted in the sources: a name means one thing, and a
docstring can be read alone.
"""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

pytestmark = pytest.mark.sqlite  # of files, and not of the database

ROOT = Path(__file__).parents[1]
MAX_SHARED = 0.02  # of the top-level functions
MAX_ONE_WORD = 0.25
LONGEST_TEMPLATE_LINE = 120
VIEWS = {"index", "show", "edit", "new"}  # the room says of what: account.views.show
DEPENDENT = re.compile(r"(The same|As|Of|Both|What|Whoever|The other way)\b")

Sources = dict[str, str]


def read_sources() -> Sources:
    """Returns module name → text of the application, without its migrations."""
    files = [file for file in (ROOT / "users").rglob("*.py") if "migrations" not in file.parts]
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts): file.read_text() for file in files
    }


def top_level_functions(sources: Sources) -> list[tuple[str, str]]:
    """Returns (function, module) of each function that stands in no class and no function."""
    return [
        (node.name, module)
        for module, text in sources.items()
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def shared_names(sources: Sources) -> dict[str, list[str]]:
    """Returns name → modules for each function name that several modules have."""
    modules = defaultdict(set)
    for name, module in top_level_functions(sources):
        if name not in VIEWS:
            modules[name].add(module)
    return {name: sorted(found) for name, found in modules.items() if len(found) > 1}


def one_word_names(sources: Sources) -> list[str]:
    """Returns module.function for each function whose name is a single word."""
    return [
        f"{module}.{name}"
        for name, module in top_level_functions(sources)
        if "_" not in name.strip("_")
    ]


def dependent_docstrings(sources: Sources) -> list[str]:
    """Returns each docstring whose first words need something else to be understood."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    found = []
    for module, text in sources.items():
        nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, documented)]
        docstrings = [ast.get_docstring(node) or "" for node in nodes]
        found += [f"{module}: {each[:60]}" for each in docstrings if DEPENDENT.match(each)]
    return found


def test_a_top_level_name_means_one_thing():
    sources = read_sources()
    shared = shared_names(sources)
    number = sum(len(modules) for modules in shared.values())
    lines = [f"{name}: {', '.join(modules)}" for name, modules in sorted(shared.items())]
    assert number <= MAX_SHARED * len(top_level_functions(sources)), "\n".join(lines)


def test_most_function_names_have_several_words():
    sources = read_sources()
    found = one_word_names(sources)
    assert len(found) <= MAX_ONE_WORD * len(top_level_functions(sources)), "\n".join(found)


def test_a_docstring_can_be_read_alone():
    found = dependent_docstrings(read_sources())
    assert found == [], "\n".join(found)


def test_lines_of_templates_are_short():
    found = [
        f"{file.relative_to(ROOT)}:{number} has {len(line)} characters"
        for file in (ROOT / "templates").rglob("*.html")
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if len(line) > LONGEST_TEMPLATE_LINE
    ]
    assert found == [], "\n".join(found)


# --- the counting itself --------------------------------------------------------------------------


def test_a_name_in_two_modules_is_counted_wherever_it_stands():
    sources = {
        "a": "def load_rows(): ...\nclass Row:\n    def save(self): ...\n",
        "b": "async def load_rows(): ...\ndef show(): ...\n",
        "c": "def show(): ...\ndef save(): ...\n",
    }
    assert shared_names(sources) == {"load_rows": ["a", "b"]}


def test_one_word_is_counted_with_and_without_an_underscore_in_front():
    source = "def read(): ...\ndef _read(): ...\ndef read_rows(): ...\ndef _read_rows(): ...\n"
    assert one_word_names({"a": source}) == ["a.read", "a._read"]


@pytest.mark.parametrize("first", ["The same.", "As it was.", "Of a row.", "Both: two.", "What?"])
def test_a_dependent_docstring_is_found_in_modules_classes_and_methods(first):
    docstring = f'"""{first}"""'
    source = f"{docstring}\nclass Row:\n  {docstring}\n  def save(self):\n    {docstring}\n"
    assert dependent_docstrings({"a": source}) == [f"a: {first}"] * 3


@pytest.mark.parametrize("first", ["Assigns a role.", "Offers a link.", "Whatever happens, ends."])
def test_longer_words_are_no_dependent_docstrings(first):
    assert dependent_docstrings({"a": f'"""{first}"""'}) == []
