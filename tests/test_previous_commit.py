"""Code of the previous commit serves on the schema of this one: during a deployment both run.

PREVIOUS_COMMIT=v1 bin/test --postgresql tests/test_previous_commit.py compares another commit.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import make_superuser, make_user
from tests.processes import ROOT, environment

pytestmark = [
    pytest.mark.postgresql,  # two releases share a database there alone
    pytest.mark.long,
    pytest.mark.django_db(transaction=True),
]
PREVIOUS = os.environ.get("PREVIOUS_COMMIT", "HEAD^")
SCRIPT = Path(__file__).with_name("previous_code.py")


def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)


def adds_migrations() -> bool:
    """Returns whether there are migrations since the previous commit; False without a history."""
    return git("diff", "--quiet", PREVIOUS, "--", "users/migrations").returncode == 1


def unpack_source(folder: Path) -> None:
    archive = git("archive", PREVIOUS)
    assert archive.returncode == 0, archive.stderr
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)


def test_code_of_the_previous_commit_works_on_this_schema(tmp_path):
    if not adds_migrations():
        return  # both have one schema
    make_superuser(username="root")
    make_user(username="ada")
    unpack_source(tmp_path)
    result = subprocess.run(
        [sys.executable, "-P", SCRIPT],
        cwd=tmp_path,
        env=environment(
            DJANGO_SETTINGS_MODULE="tests.settings",
            PYTHONPATH=f"{tmp_path}{os.pathsep}{tmp_path / 'site'}",
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
