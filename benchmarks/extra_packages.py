"""Packages that only some benchmarks need, in folders beside those of the tests."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def install_packages(requirements: Path, folder: Path) -> None:
    """Installs the packages of a file into a folder, unless it has them."""
    done = folder / "installed.txt"
    if done.exists() and done.read_text() == requirements.read_text():
        return
    print(f"Installing {requirements.name}", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--upgrade", "--target", str(folder), "--requirement", str(requirements)]
    subprocess.run(command, check=True)
    done.write_text(requirements.read_text())
