"""The stylesheet and the script of all pages, each joined from several files."""

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django_htmx
from django.conf import settings
from django.contrib.staticfiles.finders import FileSystemFinder
from django.core.files.storage import FileSystemStorage

HTMX = "htmx"
HTMX_FILE = Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.min.js"


@dataclass(frozen=True)
class JoinedAsset:
    """A file that pages link, joined from the `parts` in `folder`, in that order."""

    name: str
    folder: str
    parts: tuple[str, ...]
    begin: str
    separator: str
    minify: Callable[[str], str]

    def part_file(self, part: str) -> Path:
        """Returns the file of a part; HTMX comes from its package."""
        if part == HTMX:
            return HTMX_FILE
        suffix = Path(self.name).suffix
        return settings.BASE_DIR / "static" / self.folder / f"{part}{suffix}"

    def join_parts(self) -> str:
        """Returns all parts in their order, without comments and optional spaces."""
        texts = [self.minify(self.part_file(part).read_text()) for part in self.parts]
        return self.begin + self.separator.join(texts)


def minify_css(css: str) -> str:
    """Returns `css` without comments and optional spaces. Its strings contain neither."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    return re.sub(r" ?([{};]) ?", r"\1", css).strip() + "\n"


def minify_script(script: str) -> str:
    """Returns `script` without indentation, empty lines and comment lines. It contains no string of
    several lines.
    """
    return re.sub(r"^[ \t]*(//.*)?\n?", "", script, flags=re.MULTILINE)


STYLESHEET = JoinedAsset(
    name="rollcall.css",
    folder="styles",
    # The cascade: of two rules of equal specificity the later one wins.
    parts=(
        "base",
        "controls",
        "navigation",
        "page",
        "status",
        "tables",
        "directory",
        "audit",
        "account",
        "notes",
        "mail",
        "verbs",
        "sessions",
        "doctor",
        "history",
        "presence",
        "forms",
        "conflicts",
        "signin",
        "caching",
        "jobs",
        "bulk",
        "transfer",
        "print",
    ),
    begin="",
    separator="",
    minify=minify_css,
)
SCRIPT = JoinedAsset(
    name="rollcall.js",
    folder="scripts",
    # Each part may use the functions of those before it.
    parts=(
        "start",
        HTMX,
        "requests",
        "forms",
        "presence",
        "rows",
        "search",
        "keys",
        "places",
    ),
    begin='"use strict";\n',
    separator=";\n",
    minify=minify_script,
)
JOINED_ASSETS = (STYLESHEET, SCRIPT)


class JoinedAssetsFinder(FileSystemFinder):
    """Finds the files of STATICFILES_DIRS, with the joined files instead of their parts."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.folder = settings.VAR_DIR / "joined"
        self.locations.append(("", str(self.folder)))
        self.storages[str(self.folder)] = FileSystemStorage(location=self.folder)

    def find(self, path: str, *args: Any, **kwargs: Any) -> Any:
        for asset in JOINED_ASSETS:
            if path == asset.name:
                write_joined(asset, self.folder)
        return super().find(path, *args, **kwargs)

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        for asset in JOINED_ASSETS:
            write_joined(asset, self.folder)
        folders = [asset.folder for asset in JOINED_ASSETS]
        return super().list([*(ignore_patterns or ()), *folders])


def write_joined(asset: JoinedAsset, folder: Path) -> None:
    """Writes the joined file into `folder` if it has changed: collectstatic compares times."""
    text = asset.join_parts()
    file = folder / asset.name
    if file.exists() and file.read_text() == text:
        return
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}")
    unfinished.write_text(text)
    # Another process may be reading the file.
    unfinished.replace(file)
