"""The stylesheet: one part per room in static/styles/, served as the single file rollcall.css."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import FileSystemFinder
from django.core.files.storage import FileSystemStorage

NAME = "rollcall.css"
FOLDER = "styles"
# The cascade: of two rules of equal specificity the later one wins.
PARTS = (
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
    "forms",
    "conflicts",
    "signin",
    "caching",
    "jobs",
    "bulk",
    "transfer",
    "print",
)


class StylesheetFinder(FileSystemFinder):
    """Finds the files of STATICFILES_DIRS, with the joined stylesheet in place of its parts."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        folder = settings.VAR_DIR / "stylesheet"
        self.stylesheet = folder / NAME
        self.locations.append(("", str(folder)))
        self.storages[str(folder)] = FileSystemStorage(location=folder)

    def find(self, path: str, *args: Any, **kwargs: Any) -> Any:
        if path == NAME:
            write_stylesheet(self.stylesheet)
        return super().find(path, *args, **kwargs)

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        write_stylesheet(self.stylesheet)
        return super().list([*(ignore_patterns or ()), FOLDER])


def write_stylesheet(file: Path) -> None:
    """Writes the joined stylesheet to `file` if it has changed: collectstatic compares times."""
    text = join_parts()
    if file.exists() and file.read_text() == text:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}")
    unfinished.write_text(text)
    # Another process may be reading the file.
    unfinished.replace(file)


def join_parts() -> str:
    """Returns the rules of all parts in their order, without comments and optional spaces."""
    folder = settings.BASE_DIR / "static" / FOLDER
    return minify("\n".join((folder / f"{part}.css").read_text() for part in PARTS))


def minify(css: str) -> str:
    """Returns `css` without comments and optional spaces. Its strings contain neither."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    return re.sub(r" ?([{};]) ?", r"\1", css).strip() + "\n"
