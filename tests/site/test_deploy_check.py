"""`manage.py check --deploy` has nothing to say about production settings."""

import subprocess
import sys

import pytest

from tests.processes import ROOT, environment
from tests.site.test_settings import PRODUCTION

pytestmark = pytest.mark.sqlite  # of settings, and not of the database

COMMAND = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "DEBUG"]


@pytest.mark.django_db
def test_the_check_is_silent_in_production():
    result = subprocess.run(
        COMMAND,
        cwd=ROOT,
        env=environment(**PRODUCTION),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("System check identified no issues")
    assert result.stderr == ""


@pytest.mark.django_db
def test_the_check_speaks_up_for_a_laptop():
    """What is right on a laptop is wrong on a server: so the check above does look."""
    result = subprocess.run(
        COMMAND, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert result.returncode != 0
    assert "security.W004" in result.stderr
