"""The fonts: cut down to the characters of the interface and of European names, and three files of
further letters of names, each loaded only where they are on the page.
"""

import re

import pytest
from django.conf import settings

pytestmark = pytest.mark.sqlite  # of files, and not of the database
STATIC = settings.BASE_DIR / "static"
STYLES = (STATIC / "styles" / "base.css").read_text()
FACE = re.compile(r'@font-face \{[^}]*url\("([^"]+)"\)[^}]*unicode-range:([^;]+);')


def listed_characters(listed: str) -> set[str]:
    """Returns the characters in the value of unicode-range."""
    found = set()
    for entry in re.findall(r"U\+([0-9A-F-]+)", listed):
        first, _, last = entry.partition("-")
        found |= {chr(code) for code in range(int(first, 16), int(last or first, 16) + 1)}
    return found


FONTS = {STATIC / file: listed_characters(listed) for file, listed in FACE.findall(STYLES)}
BASIC, LATIN, GREEK, CYRILLIC = FONTS.values()


def test_the_first_font_has_the_characters_of_every_template():
    used: set[str] = set()
    for template in (settings.BASE_DIR / "templates").rglob("*.html"):
        used |= set(template.read_text())
    assert len(used) > 80
    assert used - BASIC == {"\n"}


def test_the_fonts_have_the_letters_of_names():
    assert set("ÄäÉéÑñßøŁłŘřŞşȘșĐđẞ“”’–…€") <= BASIC
    assert set("ƠơƯưẠạẶặỄễỘộỮữỴỵỸỹŴẂəǎ") - BASIC <= LATIN
    assert set("ΆΑΩΪαάίϊΐςσωώ") <= GREEK
    assert set("АЯЁЇҐўяёіїєґЈђћџҚқӘәҢңӨөҮүҺһ") <= CYRILLIC


def test_no_letter_loads_two_fonts():
    assert sum(map(len, FONTS.values())) == len(set().union(*FONTS.values()))


def test_each_font_file_is_linked_and_its_licence_lies_beside_it():
    assert {*STATIC.rglob("*.woff2")} == {*FONTS}
    for file in FONTS:
        assert "SIL OPEN FONT LICENSE" in (file.parent / "LICENSE").read_text()
