"""The font: cut down to the characters of the interface and of European names."""

import re

import pytest
from django.conf import settings

pytestmark = pytest.mark.sqlite  # of files, and not of the database
STYLES = (settings.BASE_DIR / "static" / "styles" / "base.css").read_text()


def font_characters() -> set[str]:
    """Returns the characters for which the stylesheet asks for the font."""
    [listed] = re.findall(r"unicode-range:([^;]+);", STYLES)
    found = set()
    for entry in re.findall(r"U\+([0-9A-F-]+)", listed):
        first, _, last = entry.partition("-")
        found |= {chr(code) for code in range(int(first, 16), int(last or first, 16) + 1)}
    return found


def test_the_font_has_the_characters_of_every_template():
    used: set[str] = set()
    for template in (settings.BASE_DIR / "templates").rglob("*.html"):
        used |= set(template.read_text())
    assert len(used) > 80
    assert used - font_characters() == {"\n"}


def test_the_font_has_the_letters_of_european_names():
    assert set("ÄäÉéÑñßøŁłŘřŞşȘșĐđẞ“”’–…€") <= font_characters()


def test_one_font_file_is_linked_and_its_licence_lies_beside_it():
    [linked] = re.findall(r'url\("([^"]+\.woff2)"\)', STYLES)
    file = settings.BASE_DIR / "static" / linked
    assert "SIL OPEN FONT LICENSE" in (file.parent / "LICENSE").read_text()
    assert [font.name for font in file.parent.parent.rglob("*.woff2")] == [file.name]
