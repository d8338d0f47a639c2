"""The stylesheet and the script of all pages, and more stylesheets, joined from several files."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident
from typing import Any

import django_htmx
from django.conf import settings
from django.contrib.staticfiles.finders import FileSystemFinder
from django.core.files.storage import FileSystemStorage
from rcssmin import cssmin
from rjsmin import jsmin

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
        return self.begin + self.separator.join(map(self.read_part, self.parts))

    def read_part(self, part: str) -> str:
        """Returns a part as it is sent. HTMX is minified in its package."""
        text = self.part_file(part).read_text()
        return text if part == HTMX else self.minify(text)


def joined_styles(name: str, parts: tuple[str, ...]) -> JoinedAsset:
    return JoinedAsset(
        name=name,
        folder="styles",
        parts=parts,
        begin="",
        separator="",
        minify=cssmin,
    )


def joined_scripts(name: str, parts: tuple[str, ...]) -> JoinedAsset:
    return JoinedAsset(
        name=name,
        folder="scripts",
        parts=parts,
        begin='"use strict";\n',
        separator=";\n",
        minify=jsmin,
    )


STYLESHEET = joined_styles(
    "rollcall.css",
    # The cascade: of two rules of equal specificity the later one wins.
    (
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
        "forms",
        "conflicts",
        "errors",
        "jobs",
        "bulk",
        "phone_lists",
        "print",
        "forced_colors",
    ),
)
# Only for the pages with plots: the others load without it.
PLOTS = joined_styles(
    "plots.css",
    ("health", "dashboard"),
)
# Only for the pages of imports, exports and pasted lists.
TRANSFER = joined_styles(
    "transfer.css",
    ("file_fields", "imports", "exports", "pasted_lists"),
)
# Only for the pages of signed checkpoints and their keys.
CHECKPOINTS = joined_styles(
    "checkpoints.css",
    ("checkpoints",),
)
# Only for the pages outside the frame, such as those of signing in.
ALONE = joined_styles(
    "alone.css",
    ("alone",),
)
# Only for the pages of bulk emails, their templates and suppressed addresses.
CAMPAIGNS = joined_styles(
    "campaigns.css",
    ("suppressions", "campaigns"),
)
# Only for the pages of staff and their roles.
STAFF = joined_styles(
    "staff.css",
    ("staff",),
)
# Only for the description of the API.
API_STYLES = joined_styles(
    "api.css",
    ("api",),
)
# Only for the pages of sign-in and of one's own second factors.
FACTORS = joined_styles(
    "factors.css",
    ("factors",),
)
FACTORS_SCRIPT = joined_scripts(
    "factors.js",
    ("passkeys",),
)
# Only for the pages of an account.
ACCOUNT_STYLES = joined_styles(
    "account_pages.css",
    ("doctor", "history", "presence"),
)
# It uses functions of SCRIPT.
PRESENCE_SCRIPT = joined_scripts(
    "presence.js",
    ("presence",),
)
SCRIPT = joined_scripts(
    "rollcall.js",
    # Each part may use the functions of those before it.
    (
        "start",
        HTMX,
        "requests",
        "forms",
        "rows",
        "search",
        "views",
        "keys",
        "places",
    ),
)
JOINED_ASSETS = (
    STYLESHEET,
    PLOTS,
    TRANSFER,
    CHECKPOINTS,
    ALONE,
    CAMPAIGNS,
    FACTORS,
    STAFF,
    API_STYLES,
    SCRIPT,
    FACTORS_SCRIPT,
    ACCOUNT_STYLES,
    PRESENCE_SCRIPT,
)


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
    # Other threads and processes may be reading and writing the file.
    unfinished = file.with_name(f"{asset.name}.{os.getpid()}.{get_ident()}")
    unfinished.write_text(text)
    unfinished.replace(file)
