"""The templates can be read: one element a line, and no long lines. djlint looks at the rest."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.sqlite  # of files, and not of the database

TEMPLATES = Path(__file__).parents[1] / "templates"
LONGEST = 120  # characters


def test_no_line_of_a_template_is_long():
    files = [file for file in TEMPLATES.rglob("*") if file.is_file()]
    assert files
    long = [
        f"{file.relative_to(TEMPLATES)}:{number}: {len(line)} characters"
        for file in sorted(files)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if len(line) > LONGEST
    ]
    assert not long, "\n".join(long)


def test_an_empty_value_is_written_by_its_filter_alone():
    """Otherwise pages use several signs for it (users.fields.NO_VALUE)."""
    between_tags = re.compile(r"[>}] ?[–—] ?[<{]")
    quoted = re.compile(r"""["'][–—]["']""")
    modules = [*(TEMPLATES.parent / "users").rglob("*.py")]
    pages = [*TEMPLATES.rglob("*.html")]
    found = {file.name for file in (*pages, *modules) if quoted.search(file.read_text())}
    found |= {file.name for file in pages if between_tags.search(file.read_text())}
    assert found - {"_strip_content.html"} == {"fields.py"}  # a sentence there
