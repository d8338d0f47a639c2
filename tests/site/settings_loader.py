"""Loads the settings of a folder in an environment of their own.

Each time it is a fork of one process, which has imported what the settings import.
"""

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from tests.forks import Origin, take_orders

SITE = Path(__file__).resolve().parents[2] / "site"
IMPORTED = (
    "cryptography.hazmat.primitives.asymmetric.ec",
    "cryptography.hazmat.primitives.serialization",
    "django.core.validators",
    "email.policy",
    "environ",
    "importlib.readers",
    "maxminddb",
    "psycopg",
    "pythonjsonlogger.json",
    "redis",
    "tzdata",
)
COMMAND = [sys.executable, "-m", "tests.site.settings_loader"]


def copy_settings(folder: Path) -> None:
    """Copies all modules beside the settings, compiled as far as they are. Those that the settings
    do not import do no harm.
    """
    # Another process may rename these files at any moment: they become compiled modules.
    unfinished = shutil.ignore_patterns("*.pyc.*")
    shutil.copytree(SITE, folder, ignore=unfinished)


def load_settings(
    origin: Origin, folder: Path, names: tuple[str, ...], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Returns the exit code, and what was printed: the settings of these names, or a traceback."""
    output = folder / "output"
    output.write_text("")
    order = {"SETTINGS_FOLDER": str(folder), "SETTINGS_NAMES": " ".join(names)}
    code = origin.fork(str(output), environment | order).wait()
    text = output.read_text()
    return subprocess.CompletedProcess(names, code, text, text)


def show_settings() -> None:
    folder = os.environ.pop("SETTINGS_FOLDER")
    names = os.environ.pop("SETTINGS_NAMES").split()
    os.chdir(folder)
    sys.path.insert(0, folder)
    settings = import_module("settings")
    print(json.dumps({name: getattr(settings, name) for name in names}, default=str))


if __name__ == "__main__":
    for name in IMPORTED:
        import_module(name)
    take_orders()
    show_settings()
