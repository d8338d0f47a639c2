"""The stylesheet and the script: parts in static/, each kind joined into one file."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.views import serve
from django.core.management import call_command

from users.web.joined_assets import (
    HTMX,
    JOINED_ASSETS,
    SCRIPT,
    STYLESHEET,
    write_joined,
)

pytestmark = pytest.mark.sqlite  # of files, and not of the database

# Bytes of the collected files. Raise a figure only for what pages need.
MOST = {
    "rollcall.css": {"": 48_200, ".br": 9_600, ".gz": 10_850},
    "plots.css": {"": 6_000, ".br": 1_500, ".gz": 1_700},
    "transfer.css": {"": 6_300, ".br": 1_600, ".gz": 1_900},
    "checkpoints.css": {"": 900, ".br": 300, ".gz": 380},
    "rollcall.js": {"": 78_000, ".br": 21_850, ".gz": 24_100},
}
ASSETS = pytest.mark.parametrize("asset", JOINED_ASSETS, ids=lambda asset: asset.name)
HTMX_PART = f"{HTMX}.js"
OWN_SCRIPTS = [part for part in SCRIPT.parts if part != HTMX]


def read_part(name: str) -> str:
    return STYLESHEET.part_file(name).read_text()


def without_comments(css: str) -> str:
    return re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)


def without_spaces(css: str) -> str:
    return re.sub(r"\s", "", css)


@pytest.mark.parametrize("folder", ["styles", "scripts"])
def test_every_part_has_its_place_in_one_file(folder):
    assets = [asset for asset in JOINED_ASSETS if asset.folder == folder]
    placed = [f"{part}{Path(asset.name).suffix}" for asset in assets for part in asset.parts]
    files = [file.name for file in (settings.BASE_DIR / "static" / folder).iterdir()]
    assert sorted(name for name in placed if name != HTMX_PART) == sorted(files)


@pytest.mark.parametrize("name", STYLESHEET.parts)
def test_a_part_says_what_it_is_for_and_closes_its_blocks(name):
    text = read_part(name)
    assert text.startswith("/* ")
    depth = 0
    for line in without_comments(text).splitlines():
        depth += line.count("{") - line.count("}")
        assert depth >= 0, line
    assert depth == 0


def test_nothing_is_lost_and_the_order_is_kept():
    parts = "".join(without_comments(read_part(part)) for part in STYLESHEET.parts)
    # The minifier leaves out the last semicolon of a block.
    kept = without_spaces(parts).replace(";}", "}")
    assert without_spaces(STYLESHEET.join_parts()) == kept


@pytest.mark.parametrize("name", OWN_SCRIPTS)
def test_a_script_says_what_it_is_for(name):
    assert SCRIPT.part_file(name).read_text().startswith("// ")


def test_comments_are_not_sent():
    assert "/*" not in STYLESHEET.join_parts()
    for part in OWN_SCRIPTS:
        assert "// " not in SCRIPT.read_part(part)


def test_no_two_scripts_give_one_name_to_two_things():
    """They are one script, in which the second function of a name replaces the first one."""
    names = Counter(
        name
        for part in OWN_SCRIPTS
        for name in re.findall(
            r"^(?:function|const|let|var|class) (\w+)", SCRIPT.part_file(part).read_text(), re.M
        )
    )
    assert len(names) > 10
    assert [name for name, number in names.items() if number > 1] == []


@ASSETS
def test_the_page_of_a_developer_gets_the_joined_file(rf, asset):
    path = finders.find(asset.name)
    assert Path(path).read_text() == asset.join_parts()
    response = serve(rf.get(f"/static/{asset.name}"), asset.name, insecure=True)
    assert response.status_code == 200
    assert b"".join(response).decode() == asset.join_parts()


@ASSETS
def test_a_changed_part_changes_the_file_and_only_then_its_time(tmp_path, asset):
    folder = tmp_path / "new"
    file = folder / asset.name
    write_joined(asset, folder)
    first = file.stat()
    write_joined(asset, folder)
    assert file.stat().st_mtime_ns == first.st_mtime_ns
    file.write_text("of another release")
    write_joined(asset, folder)
    assert file.read_text() == asset.join_parts()
    assert list(folder.iterdir()) == [file]


def test_threads_that_write_at_once_leave_whole_files(tmp_path):
    count = len(JOINED_ASSETS)

    def write(number: int) -> None:
        write_joined(JOINED_ASSETS[number % count], tmp_path / str(number // (2 * count)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(2 * count * 60)))
    for folder in tmp_path.iterdir():
        for asset in JOINED_ASSETS:
            assert (folder / asset.name).read_text() == asset.join_parts()
        assert len(list(folder.iterdir())) == count


def test_one_file_of_each_kind_is_collected_and_stays_small(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STATICFILES_FINDERS = ["users.web.joined_assets.JoinedAssetsFinder"]
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    assert not (tmp_path / "styles").exists()
    assert not (tmp_path / "scripts").exists()
    for asset_name, most in MOST.items():
        stem, suffix = asset_name.split(".")
        [name] = [file.name for file in tmp_path.glob(f"{stem}.*.{suffix}")]
        assert re.fullmatch(rf"{stem}\.[0-9a-f]{{12}}\.{suffix}", name)
        sizes = {kind: (tmp_path / f"{name}{kind}").stat().st_size for kind in most}
        assert [kind for kind, size in sizes.items() if size > most[kind]] == [], sizes
