"""The stylesheet: its parts in static/styles/, joined into one file that pages link."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.views import serve
from django.core.management import call_command

from users.web.stylesheet import NAME, PARTS, join_parts, minify, write_stylesheet

pytestmark = pytest.mark.sqlite  # of files, and not of the database

STYLES = settings.BASE_DIR / "static" / "styles"
# The collected file before it was cut into parts, in bytes. Raise a figure only for rules that
# pages need.
MOST = {"": 41_754, ".br": 7_657, ".gz": 8_778}


def read_part(name: str) -> str:
    return (STYLES / f"{name}.css").read_text()


def without_comments(css: str) -> str:
    return re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)


def without_spaces(css: str) -> str:
    return re.sub(r"\s", "", css)


def test_every_part_has_its_place_in_the_order():
    assert sorted(file.name for file in STYLES.iterdir()) == sorted(f"{part}.css" for part in PARTS)
    assert len(set(PARTS)) == len(PARTS)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_says_what_it_is_for_and_closes_its_blocks(name):
    text = read_part(name)
    assert text.startswith("/* ")
    depth = 0
    for line in without_comments(text).splitlines():
        depth += line.count("{") - line.count("}")
        assert depth >= 0, line
    assert depth == 0


def test_nothing_is_lost_and_the_order_is_kept():
    parts = "".join(without_comments(read_part(part)) for part in PARTS)
    assert without_spaces(join_parts()) == without_spaces(parts)


def test_spaces_that_mean_something_are_kept():
    rule = 'a :hover,\nb  >  i {\n  margin: 0 calc(1px + 2px);\n  content: "x"; /* why */\n}\n'
    assert minify(rule) == 'a :hover, b > i{margin: 0 calc(1px + 2px);content: "x";}\n'


def test_no_string_holds_what_is_cut_out():
    strings = [
        string
        for part in PARTS
        for string in re.findall(r'"[^"]*"', without_comments(read_part(part)))
    ]
    assert 'url("vendor/' in read_part("base")
    assert strings
    assert [string for string in strings if re.search(r"[{};]|\s\s|/\*", string)] == []


def test_the_page_of_a_developer_gets_the_joined_file(rf):
    path = finders.find(NAME)
    assert Path(path).read_text() == join_parts()
    response = serve(rf.get(f"/static/{NAME}"), NAME, insecure=True)
    assert response.status_code == 200
    assert b"".join(response).decode() == join_parts()


def test_a_changed_part_changes_the_file_and_only_then_its_time(tmp_path):
    file = tmp_path / "new" / NAME
    write_stylesheet(file)
    first = file.stat()
    write_stylesheet(file)
    assert file.stat().st_mtime_ns == first.st_mtime_ns
    file.write_text("of another release")
    write_stylesheet(file)
    assert file.read_text() == join_parts()
    assert list(file.parent.iterdir()) == [file]


def test_one_file_is_collected_which_is_no_larger_than_before(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STATICFILES_FINDERS = ["users.web.stylesheet.StylesheetFinder"]
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    assert not (tmp_path / "styles").exists()
    [name] = [file.name for file in tmp_path.glob("*.css")]
    assert re.fullmatch(r"rollcall\.[0-9a-f]{12}\.css", name)
    sizes = {suffix: (tmp_path / f"{name}{suffix}").stat().st_size for suffix in MOST}
    larger = [suffix for suffix, size in sizes.items() if size > MOST[suffix]]
    assert larger == [], sizes
